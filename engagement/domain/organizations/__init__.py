"""One CRM environment and its settings."""

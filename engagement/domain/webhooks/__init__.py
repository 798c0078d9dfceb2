"""What other systems are told: events, signatures, and where a webhook may lead."""

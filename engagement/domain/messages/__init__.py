"""Messages: drafts, recipients, attachments, copies, reminders and when they are due."""

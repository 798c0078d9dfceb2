"""What a seller is told, and when not."""

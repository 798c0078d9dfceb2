"""What a message carries: tracking tokens, tracked URLs, and links rewritten in HTML and text."""

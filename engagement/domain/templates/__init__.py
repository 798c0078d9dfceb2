"""Templates: filling them in, their rates, and which is recommended."""

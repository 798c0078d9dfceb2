"""The systems that the product calls."""

"""Rules of the product: no clock, no network, no environment."""

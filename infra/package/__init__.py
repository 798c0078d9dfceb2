"""The package that is deployed: made, and loaded as Azure loads it."""

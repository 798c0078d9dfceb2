"""Checks of the Bicep files that need neither Azure nor the Bicep compiler; never deployed."""

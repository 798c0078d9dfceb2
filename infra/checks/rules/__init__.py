"""What the deployment has to be like, one subject a module."""

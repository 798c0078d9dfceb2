"""What azd runs before and after it provisions: ``python -m infra.hooks.preprovision``."""

"""Triggers: HTTP routes, timers and queues; authentication and web manners."""

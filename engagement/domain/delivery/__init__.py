"""When a message should arrive: zones, working hours, holidays, habits, and the reasons."""

"""What many messages amount to: lists, statuses, rollups and KPIs of periods."""

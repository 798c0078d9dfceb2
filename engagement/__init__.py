"""Email engagement for CRMs: what became of a message, as a serverless functions app."""

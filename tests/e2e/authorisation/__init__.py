"""Who may come and what they may ask for: callers of every kind, and a tenant's samples."""

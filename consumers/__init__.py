"""Workers, reactor and projector: they react to events, at least once, so each is idempotent."""

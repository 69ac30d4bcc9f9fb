"""The projector: keeps the read models up with the log, and rebuilds them."""

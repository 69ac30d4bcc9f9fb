"""Live streams: one reader of the log for each process, and a subscription for each client."""

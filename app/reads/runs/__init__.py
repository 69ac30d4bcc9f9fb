"""Read runs and batches, from Postgres or from the log."""

"""Health, metrics and traces of each process."""

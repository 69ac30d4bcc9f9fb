"""Readers of the log: by batches, by aggregate, and of headings alone."""

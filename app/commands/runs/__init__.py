"""Create, repeat, cancel and erase runs, one by one and in batches."""

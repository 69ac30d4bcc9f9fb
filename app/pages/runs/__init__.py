"""The list of runs, filtered and live."""

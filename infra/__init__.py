"""Drivers of the outside world, one per file."""

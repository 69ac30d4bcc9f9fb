"""Ports and drivers of the outside world: a folder for each outside thing."""

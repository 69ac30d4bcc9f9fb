"""The whole running system, seen through its own doors."""

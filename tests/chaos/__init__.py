"""The whole running system, with its processes killed in the middle of work."""

"""The HTTP routes of the stand-in."""

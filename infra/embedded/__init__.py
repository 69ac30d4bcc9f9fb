"""The one-machine stack: real servers from PyPI wheels, and a demo machine."""

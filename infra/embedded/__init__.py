"""The one-machine stack: real servers from PyPI wheels, and a stand-in for ComfyUI."""

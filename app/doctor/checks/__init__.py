"""Checks of what was found: for each part whether it is well, else the fault and its fix."""

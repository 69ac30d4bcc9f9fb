"""Checks of everything a server depends on; each fault is reported with its fix."""

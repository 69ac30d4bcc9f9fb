"""The settings: read from the environment, checked, and refused by name."""

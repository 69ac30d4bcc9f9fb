"""Register and change machines, and change their states."""

"""Outputs of runs for everyone who has their address: the door beside the storage."""

"""Snapshots of streams, and the folder that holds them."""

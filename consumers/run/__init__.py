"""The way of a run: prepared, claimed, rendered, followed, recorded and uploaded."""

"""/v1/runs: create, read, list, follow, cancel and erase runs."""

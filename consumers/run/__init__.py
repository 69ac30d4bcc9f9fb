"""The way of a run on a worker: render, submit, prepare, follow and outcome, then upload."""

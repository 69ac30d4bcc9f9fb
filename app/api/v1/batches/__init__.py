"""/v1/batches: many runs under one id."""

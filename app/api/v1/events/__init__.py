"""/v1/events and /v1/changes: all that happens to a tenant, in one stream."""

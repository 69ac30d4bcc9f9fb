"""JetStream: the connection, the event store, and all that is asked of its API."""

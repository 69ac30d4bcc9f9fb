"""The work queue and its durable consumers."""

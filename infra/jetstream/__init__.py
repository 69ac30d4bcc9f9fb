"""What several drivers of JetStream have in common."""

"""What several drivers of JetStream have in common, and how its streams come to be."""

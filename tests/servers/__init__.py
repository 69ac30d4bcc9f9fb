"""Real servers that tests start: NATS, Postgres, S3, Prometheus, and whole systems on them."""

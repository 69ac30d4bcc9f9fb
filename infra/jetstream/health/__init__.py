"""What a client of NATS can see of the health of the cluster, the streams and the workers."""

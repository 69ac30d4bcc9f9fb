"""comfyd on three NATS servers, with two of each of its processes: what production runs on."""

"""Each alert is made true on a running comfyd, and fires in a real Prometheus."""

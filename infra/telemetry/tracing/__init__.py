"""OpenTelemetry traces, where the environment says where they go; elsewhere nothing is loaded."""

"""Settings that a process starts with."""

from tests.builders.facts import SEAL_KEY

REQUIRED = {
    "NATS_URL": "nats://127.0.0.1:4222",
    "POSTGRES_URL": "postgresql://127.0.0.1/comfyd",
    "JWT_SECRET": "x" * 32,
    "COMFYD_SEAL_KEYS": SEAL_KEY,
    "SPACES_ENDPOINT": "http://127.0.0.1:8333",
    "SPACES_BUCKET": "comfyd",
    "SPACES_KEY": "key",
    "SPACES_SECRET": "secret",
}
"""Every setting without a default."""

PASSED_ON = frozenset(
    {
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
    }
)
"""What the deployment files pass on. The SDK reads many more, which few need."""

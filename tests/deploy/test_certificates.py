"""certificates.sh makes what servers and clients take, also those that look very closely."""

import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from infra.embedded.ports import LOOPBACK
from tests.servers.containers import DEPLOY

SCRIPT = DEPLOY / "certificates.sh"


def make(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(SCRIPT), str(folder), *names]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def shake_hands(folder: Path, authority: Path, name: str) -> None:
    """Do a TLS handshake in which both sides check this certificate, as two NATS servers do."""
    own = (folder / "tls.crt", folder / "tls.key")
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
    serving.verify_mode = ssl.CERT_REQUIRED
    calling = ssl.create_default_context(cafile=authority)
    for context in (serving, calling):
        context.load_cert_chain(*own)
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13 does so by itself

    def serve() -> None:
        with listener.accept()[0] as accepted, serving.wrap_socket(accepted, server_side=True):
            pass

    with socket.create_server((LOOPBACK, 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        try:
            with socket.create_connection(listener.getsockname(), timeout=10) as connection:
                calling.wrap_socket(connection, server_hostname=name).close()
        finally:
            server.join(10)


@pytest.mark.parametrize("name", ["nats", "nats-0.nats-nodes", LOOPBACK])
def test_servers_and_clients_trust_each_other_by_name(tmp_path: Path, name: str) -> None:
    assert make(tmp_path / "tls", "nats", "nats-0.nats-nodes", LOOPBACK).returncode == 0
    shake_hands(tmp_path / "tls", tmp_path / "tls" / "ca.crt", name)


def test_a_new_certificate_is_trusted_by_those_who_know_the_old_authority(tmp_path: Path) -> None:
    make(tmp_path / "tls", "nats")
    authority = tmp_path / "known.crt"
    authority.write_bytes((tmp_path / "tls" / "ca.crt").read_bytes())
    before = (tmp_path / "tls" / "tls.crt").read_bytes()
    assert make(tmp_path / "tls", "nats", "nats-4").returncode == 0
    assert (tmp_path / "tls" / "tls.crt").read_bytes() != before
    shake_hands(tmp_path / "tls", authority, "nats-4")


def test_keys_are_for_their_owner_and_the_authority_is_for_all(tmp_path: Path) -> None:
    make(tmp_path / "tls", "nats")
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "tls").iterdir()}
    assert modes == {"ca.crt": 0o644, "ca.key": 0o600, "tls.crt": 0o600, "tls.key": 0o600}


def test_without_a_name_nothing_is_made(tmp_path: Path) -> None:
    made = make(tmp_path / "tls")
    assert made.returncode != 0
    assert "FOLDER NAME" in made.stderr
    assert not (tmp_path / "tls").exists()

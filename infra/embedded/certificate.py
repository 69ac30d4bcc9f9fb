"""The certificate by which parts of one server know each other, and refuse every other."""

import shutil
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.embedded.data_folder import write_private
from infra.embedded.ports import LOOPBACK

# It never leaves the machine, so an end would protect nothing; and a clock that is wrong at the
# first start must not make it worthless later. The year 9999 means "no end" (RFC 5280, 4.1.2.5).
_FROM = datetime(1970, 1, 1, tzinfo=UTC)
_UNTIL = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_USES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


def remembered_certificate(folder: Path) -> None:
    """Keep `cert.pem` and `key.pem` in *folder*; the first time, make them.

    The certificate is its own authority: a client that trusts it trusts nothing
    else, and there is no other key that could sign a second one.
    """
    if all((folder / name).exists() for name in ("cert.pem", "key.pem")):
        return
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700, parents=True)
    certificate, key = _self_signed()
    write_private(fresh / "cert.pem", certificate)
    write_private(fresh / "key.pem", key)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.replace(folder)


def _self_signed() -> tuple[str, str]:
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "comfyd")])
    address = x509.IPAddress(ip_address(LOOPBACK))
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.ExtendedKeyUsage(_USES), critical=False)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()

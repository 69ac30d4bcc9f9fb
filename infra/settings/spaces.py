"""Checks where the object storage is said to be: a wrong address shows only when a run has ended.

The likely mistakes are known, and so is the right value, which the message names.
"""

from urllib.parse import SplitResult, urlsplit

from infra.settings.invalid import SettingsInvalid

ENDPOINT, CDN, BUCKET = "SPACES_ENDPOINT", "SPACES_ENDPOINT_CDN", "SPACES_BUCKET"

_R2_PUBLIC = ".r2.dev"
_DIGITALOCEAN_CDN = ".cdn.digitaloceanspaces.com"
_PROVIDERS = (
    ".aliyuncs.com",
    ".amazonaws.com",
    ".backblazeb2.com",
    ".digitaloceanspaces.com",
    ".myqcloud.com",
    ".r2.cloudflarestorage.com",
    ".wasabisys.com",
)
"""Hosts of these providers whose first label is the bucket's name stand for that bucket."""


def check_bucket(bucket: str) -> None:
    """Refuse what is more than a name.

    Raises:
        SettingsInvalid: it is.

    """
    if "/" in bucket or bucket.split() != [bucket]:
        raise SettingsInvalid(BUCKET, "no_bucket_name")


def check_endpoint(endpoint: str, bucket: str) -> None:
    """Refuse an address that cannot be that of an S3 API.

    Raises:
        SettingsInvalid: it names the bucket, is for browsers, or is no address.

    """
    address = _address(ENDPOINT, endpoint)
    host = address.hostname or ""
    if host.endswith(_R2_PUBLIC):
        right = "https://ACCOUNT.r2.cloudflarestorage.com"
        raise SettingsInvalid(ENDPOINT, "public_address", right=right)
    if host.endswith(_DIGITALOCEAN_CDN):
        region = host.removesuffix(_DIGITALOCEAN_CDN).rpartition(".")[2]
        right = f"https://{region}.digitaloceanspaces.com"
        raise SettingsInvalid(ENDPOINT, "public_address", right=right)
    if _ends_in(address, bucket):
        raise SettingsInvalid(ENDPOINT, "address_with_bucket", right=_without_path_end(address))
    if _begins_with(host, bucket):
        right = address._replace(netloc=address.netloc[len(bucket) + 1 :]).geturl()
        raise SettingsInvalid(ENDPOINT, "address_with_bucket", right=right.rstrip("/"))


def check_public_address(cdn: str, bucket: str, *, without_bucket: bool, in_path: bool) -> None:
    """Refuse an address under which the bucket would be named twice.

    Raises:
        SettingsInvalid: it would, or it is no address.

    """
    address = _address(CDN, cdn)
    host = address.hostname or ""
    if without_bucket:
        return
    if host.endswith(_R2_PUBLIC):
        raise SettingsInvalid("SPACES_CDN_DONT_INCLUDE_BUCKET", "bucket_included", host=host)
    if _ends_in(address, bucket):
        raise SettingsInvalid(CDN, "address_with_bucket", right=_without_path_end(address))
    if in_path and _begins_with(host, bucket):
        raise SettingsInvalid("SPACES_CDN_FORCE_PATH_STYLE", "bucket_in_host")


def _address(name: str, text: str) -> SplitResult:
    if "://" not in text and text.strip("/ \"'"):
        raise SettingsInvalid(name, "no_scheme", right="https://" + text.strip("/ \"'"))
    try:
        address = urlsplit(text)
        _ = address.port  # raises for what is no port
    except ValueError:
        raise SettingsInvalid(name, "no_address") from None
    if address.scheme not in {"http", "https"} or not address.hostname or text.split() != [text]:
        raise SettingsInvalid(name, "no_address")
    if address.username is not None:
        raise SettingsInvalid(name, "address_with_secret")
    if address.query or address.fragment:
        right = address._replace(query="", fragment="").geturl()
        raise SettingsInvalid(name, "address_with_query", right=right)
    return address


def _ends_in(address: SplitResult, bucket: str) -> bool:
    return address.path.rstrip("/").endswith(f"/{bucket}")


def _without_path_end(address: SplitResult) -> str:
    return address._replace(path=address.path.rstrip("/").rpartition("/")[0]).geturl()


def _begins_with(host: str, bucket: str) -> bool:
    return host.startswith(f"{bucket}.") and host.endswith(_PROVIDERS)

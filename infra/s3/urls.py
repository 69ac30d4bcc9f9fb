"""Object URLs: the one place that knows where people fetch a stored object."""

from urllib.parse import quote, urlsplit

from infra.settings.settings import Spaces


def public_url(spaces: Spaces, key: str) -> str:
    """Return the URL under which everyone can fetch the object *key*.

    The bucket is left out (`cdn_dont_include_bucket`, R2), the first part of the path
    (`cdn_force_path_style`, S3 and local) or the first label of the host (DigitalOcean); a host
    that already begins with the bucket is then kept as it is. The key is percent-encoded.
    """
    cdn = urlsplit(spaces.endpoint_cdn)
    host, path = cdn.netloc, cdn.path.rstrip("/")
    if spaces.cdn_dont_include_bucket:
        pass
    elif spaces.cdn_force_path_style:
        path += f"/{quote(spaces.bucket, safe='')}"
    elif not host.startswith(f"{spaces.bucket}."):
        host = f"{spaces.bucket}.{host}"
    return f"{cdn.scheme}://{host}{path}/{quote(key, safe='/')}"

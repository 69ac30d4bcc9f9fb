"""Headers of pages: what a browser may do with them."""

from urllib.parse import urlsplit

from infra.s3.urls import public_url
from infra.settings.settings import Spaces

COMMON = {
    "Cache-Control": "no-store",
    "Vary": "Accept, Accept-Language, Cookie",
    # The last one counts. Without a referrer, a form's own `Origin` would be `null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def content_policy(images_from: str = "") -> str:
    """Return the Content-Security-Policy of a page, with no script or style in the page itself."""
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' data: {images_from}".strip(),
        "media-src": f"'self' {images_from}".strip(),
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


def images_from(spaces: Spaces) -> str:
    """Return the origin from which browsers fetch outputs."""
    address = urlsplit(public_url(spaces, ""))
    return f"{address.scheme}://{address.netloc}"

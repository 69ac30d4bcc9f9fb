"""Masking of secrets in text: those that are known, and what looks like one."""

import json
import re
from collections.abc import Callable, Collection

MASK = "***"
SHORTEST = 8
"""Characters of a secret that is hidden wherever it stands: shorter ones are words as well."""

# What follows a secret in a log line: white space, or the end of a piece of JSON or of a URL.
_END = r"""[^\s"'\\,;&<>]"""

_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), rf"\1{MASK}")
    for pattern in (
        # user:password@ in a URL, or the token in its place
        r"(://[^\s/@:\"'\\]*:)[^\s/@\"'\\]+(?=@)",
        r"(\b(?:nats|tls)://)[^\s/@:\"'\\]+(?=@)",
        # parameters and fields
        rf"([?&][\w-]*(?:token|secret|password|key|signature|credential|ticket)=){_END}+",
        rf"(\b(?:bearer|basic)(?:\s|%20|\+)+){_END}+",
        # our keys, tokens of others (RFC 7519), and what Fernet sealed
        r"(\bcf[ds]_)[\w-]+",
        r"(\beyJ)[\w-]+\.[\w-]+(?:\.[\w-]+)*",
        r"(\bgAAAA)[\w-]{20,}=*",
        # pictures: private, and long
        r"(\bdata:\w+/[\w.+-]+(?:;[\w=.-]+)*,)[\w+/%=-]+",
    )
)


def masker(secrets: Collection[str]) -> Callable[[str], str]:
    """Return the function that hides *secrets*, and whatever looks like one, in a text."""
    known = {secret for secret in secrets if len(secret) >= SHORTEST}
    # The longest first: one secret may be a part of another. In JSON they may look different.
    known |= {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in known}
    ours = re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True))) or r"(?!)")

    def mask(text: str) -> str:
        text = ours.sub(MASK, text)
        for pattern, hidden in _PATTERNS:
            text = pattern.sub(hidden, text)
        return text

    return mask

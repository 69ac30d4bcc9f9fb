"""What can be wrong with a setting, in English and Chinese; the name of the setting comes first."""

from collections.abc import Mapping

from msgspec import inspect

from events.messages.texts import Texts
from infra.translation import translate

MESSAGES: Texts = {
    "sentence": "{name}: {what}",
    "missing": "must be set (`comfyd up` sets it itself)",
    "unknown": "no such setting. Known: {known}",
    "not_bool": "must be true or false",
    "not_int": "must be a whole number{bounds}",
    "not_float": "must be a number{bounds}",
    "not_one_of": "must be one of {options}",
    "short_secret": "must have at least 32 characters",
    "placeholder": "is a placeholder, not a secret; generate one",
    "no_network": "'{value}' is not an address or network such as 10.0.0.7 or 10.0.0.0/8",
    "no_seal_key": "needs at least one key",
    "bad_seal_key": "key {place} is not 32 bytes in URL-safe base64 (44 characters)",
    "provider_incomplete": (
        "must be set too, or none of {all}; AUTH_AUDIENCE=* accepts tokens for any audience"
    ),
    "unsafe_keys": "must begin with https:// (http only on this machine)",
    "no_public_url": (
        "must be the address that browsers use, such as https://comfyd.example.com, "
        "without a user, '?' and '#'"
    ),
    "client_missing": "must be set with AUTH_CLIENT_SECRET, which is its secret",
    "issuer_missing": "must be set with AUTH_CLIENT_ID, with AUTH_JWKS_URL and AUTH_AUDIENCE",
    "no_scheme": "must begin with http:// or https://: write {right}",
    "no_address": "is not an address such as https://storage.example.com",
    "address_with_secret": (
        "must not contain a user or a password; use SPACES_KEY and SPACES_SECRET"
    ),
    "address_with_query": "must end before '?' and '#': write {right}",
    "address_with_bucket": "must not name the bucket, which SPACES_BUCKET does: write {right}",
    "public_address": "is where people fetch files (SPACES_ENDPOINT_CDN); the S3 API is at {right}",
    "bucket_included": "must be true: {host} already stands for the bucket",
    "bucket_in_host": "must be false: the host of SPACES_ENDPOINT_CDN already names the bucket",
    "no_bucket_name": "must be the name alone, without '/' and spaces",
}


class SettingsInvalid(Exception):
    """A setting is missing or wrong; `text` names it and says what it must be."""

    def __init__(self, name: str, code: str, /, **params: str) -> None:
        self.name = name
        self.code = code
        self.params: Mapping[str, str] = params
        super().__init__(self.text())

    def text(self, language: str = "en") -> str:
        """Return the message in *language*: en or zh."""
        what = translate(MESSAGES[self.code], language, self.params)
        return translate(MESSAGES["sentence"], language, {"name": self.name, "what": what})


def must_be(wanted: type) -> tuple[str, dict[str, str]]:
    """Return what a setting of this type must be: the code of a message, and what it takes."""
    match kind := inspect.type_info(wanted):
        case inspect.BoolType():
            return "not_bool", {}
        case inspect.LiteralType():
            return "not_one_of", {"options": ", ".join(sorted(map(str, kind.values)))}
        case inspect.IntType() | inspect.FloatType():
            limits = ((" ≥ ", kind.ge), (" > ", kind.gt), (" ≤ ", kind.le), (" < ", kind.lt))
            bounds = ",".join(f"{sign}{limit:g}" for sign, limit in limits if limit is not None)
            code = "not_int" if isinstance(kind, inspect.IntType) else "not_float"
            return code, {"bounds": bounds}
        case _:
            raise AssertionError(wanted)  # what is text is never refused

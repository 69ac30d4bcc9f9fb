"""Settings: complete, known and of the right kind, or refused by name."""

import re

import pytest

from infra.settings.invalid import SettingsInvalid
from infra.settings.settings import Spaces, settings_from
from tests.builders.facts import SEAL_KEY
from tests.builders.settings import REQUIRED


def test_what_is_not_set_has_its_default() -> None:
    settings = settings_from(REQUIRED)

    assert (settings.host, settings.port, settings.allow_private_urls) == ("127.0.0.1", 3000, False)
    assert settings.spaces == Spaces(
        endpoint="http://127.0.0.1:8333",
        endpoint_cdn="http://127.0.0.1:8333",
        bucket="comfyd",
        key="key",
        secret="secret",
    )


def test_what_is_set_is_converted() -> None:
    env = {"COMFYD_PORT": "80", "COMFYD_RUN_TIMEOUT": "1.5", "SPACES_CDN_FORCE_PATH_STYLE": "false"}
    settings = settings_from(REQUIRED | env)
    converted = (settings.port, settings.run_timeout, settings.spaces.cdn_force_path_style)
    assert converted == (80, 1.5, False)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert settings_from(REQUIRED | {"COMFYD_PORT": ""}).port == 3000


@pytest.mark.parametrize("name", sorted(REQUIRED))
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_is_named(name: str, value: str | None) -> None:
    env = {n: v for n, v in REQUIRED.items() if n != name} | (
        {} if value is None else {name: value}
    )
    with pytest.raises(SettingsInvalid, match=f"{name}: must be set"):
        settings_from(env)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMFYD_PORT", "many"),
        ("COMFYD_RUN_TIMEOUT", "long"),
        ("COMFYD_IMAGE_BYTES", "1.5"),
        ("COMFYD_ALLOW_PRIVATE_URLS", "perhaps"),
        ("COMFYD_LOG_LEVEL", "loud"),
        ("SPACES_CDN_FORCE_PATH_STYLE", "perhaps"),
        ("SPACES_CDN_DONT_INCLUDE_BUCKET", "2"),
        ("JWT_SECRET", "short"),
        ("COMFYD_SEAL_KEYS", "short"),
        ("COMFYD_SEAL_KEYS", f"{SEAL_KEY},short"),
        ("COMFYD_SEAL_KEYS", " , "),
        ("COMFYD_ALLOW_PRIVATE_MACHINES", "perhaps"),
        ("COMFYD_OBSERVE_EVERY", "often"),
        ("COMFYD_KEEP_DATA_DAYS", "-1"),
        ("COMFYD_KEEP_DATA_DAYS", "inf"),
        ("COMFYD_KEEP_DATA_DAYS", "nan"),
    ],
)
def test_a_variable_with_a_wrong_value_is_named_and_no_secret_is_shown(
    name: str, value: str
) -> None:
    with pytest.raises(SettingsInvalid, match=f"^{name}: ") as refused:
        settings_from(REQUIRED | {name: value})
    assert "x" * 32 not in str(refused.value)
    assert SEAL_KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("COMFYD_PROT", "COMFYD_PORT"),
        ("SPACES_REGON", "SPACES_REGION"),
        ("AUTH_AUDIENC", "AUTH_AUDIENCE"),
    ],
)
def test_a_variable_that_is_misspelt_is_refused_with_the_names_there_are(
    wrong: str, right: str
) -> None:
    with pytest.raises(SettingsInvalid, match=rf"^{wrong}: no such setting.*{right}"):
        settings_from(REQUIRED | {wrong: "1"})


PROVIDER = {
    "AUTH_JWKS_URL": "https://id.example.com/keys",
    "AUTH_ISSUER": "https://id.example.com",
    "AUTH_AUDIENCE": "*",
}


@pytest.mark.parametrize(
    "address",
    [
        "https://id.example.com/keys",
        "http://127.0.0.1:9/keys",
        "http://[::1]:9/k",
        "http://localhost/k",
    ],
)
def test_keys_of_an_identity_provider_come_safely(address: str) -> None:
    settings = settings_from(REQUIRED | PROVIDER | {"AUTH_JWKS_URL": address})
    assert (settings.auth_jwks_url, settings.auth_audience) == (address, "*")


@pytest.mark.parametrize(
    "address",
    [
        "http://id.example.com/keys",
        "http://localhost.example.com",
        "ftp://x/keys",
        "keys",
        "http://[",
    ],
)
def test_keys_that_anybody_could_have_sent_are_refused(address: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^AUTH_JWKS_URL: "):
        settings_from(REQUIRED | PROVIDER | {"AUTH_JWKS_URL": address})


@pytest.mark.parametrize("name", sorted(PROVIDER))
def test_an_identity_provider_is_named_in_full(name: str) -> None:
    """Without an audience, a token for any other application of the issuer would open this one."""
    part = {key: value for key, value in PROVIDER.items() if key != name}
    with pytest.raises(SettingsInvalid, match=f"^{name}: must be set too"):
        settings_from(REQUIRED | part)
    with pytest.raises(SettingsInvalid, match="must be set too"):
        settings_from(REQUIRED | {name: PROVIDER[name]})


R2 = {
    "SPACES_ENDPOINT": "https://4c.r2.cloudflarestorage.com",
    "SPACES_ENDPOINT_CDN": "https://pub-1a.r2.dev",
    "SPACES_CDN_DONT_INCLUDE_BUCKET": "true",
}
DIGITALOCEAN = {
    "SPACES_ENDPOINT": "https://nyc3.digitaloceanspaces.com",
    "SPACES_ENDPOINT_CDN": "https://nyc3.cdn.digitaloceanspaces.com",
    "SPACES_CDN_FORCE_PATH_STYLE": "false",
}


@pytest.mark.parametrize(
    "spaces",
    [
        R2,
        R2 | {"SPACES_ENDPOINT_CDN": "https://files.example.com/comfyd"},
        DIGITALOCEAN,
        DIGITALOCEAN | {"SPACES_ENDPOINT_CDN": "https://comfyd.nyc3.cdn.digitaloceanspaces.com/"},
        {"SPACES_ENDPOINT": "http://127.0.0.1:8333/"},
        {"SPACES_ENDPOINT": "https://comfyd.example.com"},
        {"SPACES_ENDPOINT": "https://ref.supabase.co/storage/v1/s3"},
        {"SPACES_ENDPOINT_CDN": "https://cdn.example.com/files/"},
    ],
)
def test_storage_may_be_at_these_addresses(spaces: dict[str, str]) -> None:
    settings_from(REQUIRED | spaces)


@pytest.mark.parametrize(
    ("wrong", "name", "right"),
    [
        (
            R2 | {"SPACES_ENDPOINT": "https://4c.r2.cloudflarestorage.com/comfyd"},
            "SPACES_ENDPOINT",
            "write https://4c.r2.cloudflarestorage.com",
        ),
        (
            {"SPACES_ENDPOINT": "http://127.0.0.1:8333/comfyd/"},
            "SPACES_ENDPOINT",
            "write http://127.0.0.1:8333",
        ),
        (
            {"SPACES_ENDPOINT": "https://comfyd.nyc3.digitaloceanspaces.com"},
            "SPACES_ENDPOINT",
            "write https://nyc3.digitaloceanspaces.com",
        ),
        (
            {"SPACES_ENDPOINT": "https://comfyd.s3.eu-west-1.amazonaws.com/"},
            "SPACES_ENDPOINT",
            "write https://s3.eu-west-1.amazonaws.com",
        ),
        (
            {"SPACES_ENDPOINT": "https://comfyd.nyc3.cdn.digitaloceanspaces.com"},
            "SPACES_ENDPOINT",
            "at https://nyc3.digitaloceanspaces.com",
        ),
        (
            {"SPACES_ENDPOINT": "https://pub-1a.r2.dev"},
            "SPACES_ENDPOINT",
            "at https://ACCOUNT.r2.cloudflarestorage.com",
        ),
        (
            {"SPACES_ENDPOINT": "nyc3.digitaloceanspaces.com"},
            "SPACES_ENDPOINT",
            "write https://nyc3.digitaloceanspaces.com",
        ),
        ({"SPACES_ENDPOINT": "127.0.0.1:8333"}, "SPACES_ENDPOINT", "write https://127.0.0.1:8333"),
        ({"SPACES_ENDPOINT": '"https://a.example"'}, "SPACES_ENDPOINT", "is not an address"),
        ({"SPACES_ENDPOINT": "s3://comfyd"}, "SPACES_ENDPOINT", "is not an address"),
        ({"SPACES_ENDPOINT": "https://a.example:port"}, "SPACES_ENDPOINT", "is not an address"),
        ({"SPACES_ENDPOINT": "https://"}, "SPACES_ENDPOINT", "is not an address"),
        ({"SPACES_ENDPOINT": "https://k:hunter2@a.example"}, "SPACES_ENDPOINT", "SPACES_KEY"),
        (
            {"SPACES_ENDPOINT": "https://a.example/?region=x"},
            "SPACES_ENDPOINT",
            "write https://a.example/",
        ),
        (
            {"SPACES_ENDPOINT_CDN": "https://files.example.com/comfyd/"},
            "SPACES_ENDPOINT_CDN",
            "write https://files.example.com",
        ),
        (
            {"SPACES_ENDPOINT_CDN": "files.example.com/x/"},
            "SPACES_ENDPOINT_CDN",
            "write https://files.example.com/x",
        ),
        (
            R2 | {"SPACES_CDN_DONT_INCLUDE_BUCKET": "false"},
            "SPACES_CDN_DONT_INCLUDE_BUCKET",
            "must be true: pub-1a.r2.dev already stands for the bucket",
        ),
        (
            DIGITALOCEAN
            | {
                "SPACES_ENDPOINT_CDN": "https://comfyd.nyc3.digitaloceanspaces.com",
                "SPACES_CDN_FORCE_PATH_STYLE": "true",
            },
            "SPACES_CDN_FORCE_PATH_STYLE",
            "must be false",
        ),
        ({"SPACES_BUCKET": "comfyd/outputs"}, "SPACES_BUCKET", "the name alone"),
        ({"SPACES_BUCKET": "comfyd "}, "SPACES_BUCKET", "the name alone"),
    ],
)
def test_a_likely_mistake_about_storage_is_refused_with_the_right_value(
    wrong: dict[str, str], name: str, right: str
) -> None:
    with pytest.raises(SettingsInvalid, match=f"^{name}: ") as refused:
        settings_from(REQUIRED | wrong)
    # The whole value: no path or name goes on behind it.
    assert re.search(rf"{re.escape(right)}(?![\w/.])", str(refused.value))
    assert "hunter2" not in str(refused.value)
    assert refused.value.text("zh").startswith(f"{name}：")


@pytest.mark.parametrize(
    ("name", "value", "english", "chinese"),
    [
        (
            "COMFYD_PORT",
            "many",
            "must be a whole number",
            "必须是整数",
        ),
        ("COMFYD_RATE_LIMIT", "-1", "must be a whole number ≥ 0", "必须是整数 ≥ 0"),
        ("COMFYD_KEEP_DATA_DAYS", "x", "must be a number ≥ 0, ≤ 36500", "必须是数字 ≥ 0, ≤ 36500"),
        ("COMFYD_ALLOW_PRIVATE_URLS", "2", "must be true or false", "必须是 true 或 false"),
        (
            "COMFYD_LOG_LEVEL",
            "loud",
            "must be one of debug, error, info, warning",
            "必须是以下之一：debug, error, info, warning",
        ),
    ],
)
def test_a_wrong_value_is_answered_with_what_it_must_be(
    name: str, value: str, english: str, chinese: str
) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        settings_from(REQUIRED | {name: value})
    assert refused.value.text() == f"{name}: {english}"
    assert refused.value.text("zh") == f"{name}：{chinese}"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:3000", "https://comfyd.example", "https://example.com/comfyd/"]
)
def test_the_pages_have_an_address(address: str) -> None:
    assert settings_from(REQUIRED | {"COMFYD_PUBLIC_URL": address}).public_url == address


@pytest.mark.parametrize(
    "address",
    [
        "comfyd.example",
        "ftp://comfyd.example",
        "https://",
        "https://ada@comfyd.example",
        "https://comfyd.example?x=1",
        "https://comfyd.example#x",
        "https://comfyd.example:port",
        "https://comfyd example",
        "http://[::1",
    ],
)
def test_what_is_no_address_of_pages_is_refused(address: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^COMFYD_PUBLIC_URL: "):
        settings_from(REQUIRED | {"COMFYD_PUBLIC_URL": address})


def test_a_client_belongs_to_a_provider_and_a_secret_to_a_client() -> None:
    with pytest.raises(SettingsInvalid, match=r"^AUTH_ISSUER: "):
        settings_from(REQUIRED | {"AUTH_CLIENT_ID": "comfyd"})
    with pytest.raises(SettingsInvalid, match=r"^AUTH_CLIENT_ID: "):
        settings_from(REQUIRED | PROVIDER | {"AUTH_CLIENT_SECRET": "s"})
    known = {"AUTH_CLIENT_ID": "comfyd", "AUTH_CLIENT_SECRET": "s"}
    settings = settings_from(REQUIRED | PROVIDER | known)
    assert (settings.auth_client_id, settings.auth_client_secret) == ("comfyd", "s")

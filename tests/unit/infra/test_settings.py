"""Settings: complete, known and of the right kind, or refused by name."""

import pytest

from infra.settings import SettingsInvalid, Spaces, settings_from
from tests.builders import SEAL_KEY

GOOD = {
    "NATS_URL": "nats://127.0.0.1:4222",
    "POSTGRES_URL": "postgresql://127.0.0.1/comfyd",
    "JWT_SECRET": "x" * 32,
    "COMFYD_SEAL_KEYS": SEAL_KEY,
    "SPACES_ENDPOINT": "http://127.0.0.1:8333",
    "SPACES_BUCKET": "comfyd",
    "SPACES_KEY": "key",
    "SPACES_SECRET": "secret",
}


def test_what_is_not_set_has_its_default() -> None:
    settings = settings_from(GOOD)

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
    settings = settings_from(GOOD | env)
    converted = (settings.port, settings.run_timeout, settings.spaces.cdn_force_path_style)
    assert converted == (80, 1.5, False)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert settings_from(GOOD | {"COMFYD_PORT": ""}).port == 3000


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_is_named(name: str, value: str | None) -> None:
    env = {n: v for n, v in GOOD.items() if n != name} | ({} if value is None else {name: value})
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
        settings_from(GOOD | {name: value})
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
        settings_from(GOOD | {wrong: "1"})


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
    settings = settings_from(GOOD | PROVIDER | {"AUTH_JWKS_URL": address})
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
        settings_from(GOOD | PROVIDER | {"AUTH_JWKS_URL": address})


@pytest.mark.parametrize("name", sorted(PROVIDER))
def test_an_identity_provider_is_named_in_full(name: str) -> None:
    """Without an audience, a token for any other application of the issuer would open this one."""
    part = {key: value for key, value in PROVIDER.items() if key != name}
    with pytest.raises(SettingsInvalid, match=f"^{name}: must be set too"):
        settings_from(GOOD | part)
    with pytest.raises(SettingsInvalid, match="must be set too"):
        settings_from(GOOD | {name: PROVIDER[name]})

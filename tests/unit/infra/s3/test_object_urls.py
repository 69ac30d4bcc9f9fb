"""Where objects are: their keys, and the URLs under which people fetch them."""

import base64
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest

from infra.s3.keys import graph_key, input_key, is_output, output_key, run_of
from infra.s3.urls import file_address, key_at, page_url, public_url, where_files_are
from infra.settings.invalid import SettingsInvalid
from infra.settings.settings import Spaces, settings_from
from tests.builders.facts import SEAL_KEY
from tests.builders.settings import REQUIRED

RUN = UUID("018f0000-0000-7000-8000-000000000001")
RECORDED = Path(__file__).parents[5] / "shared/reference/wire/cdn_url_cases.json"
RECORDED_KEY = "outputs/runs/RID/a b.png"


def spaces(
    endpoint_cdn: str, *, bucket: str = "bk", no_bucket: bool = False, path_style: bool = True
) -> Spaces:
    return Spaces(
        endpoint="https://api.example",
        endpoint_cdn=endpoint_cdn,
        bucket=bucket,
        key="k",
        secret="s",
        cdn_dont_include_bucket=no_bucket,
        cdn_force_path_style=path_style,
    )


R2 = spaces("https://pub-x.r2.dev", no_bucket=True)
DIGITALOCEAN = spaces("https://nyc3.digitaloceanspaces.com", path_style=False)
LOCAL = spaces("http://localhost:4566")


@pytest.mark.parametrize(
    ("where", "url"),
    [
        (R2, "https://pub-x.r2.dev/outputs/a.png"),
        (
            spaces("https://pub-x.r2.dev", no_bucket=True, path_style=False),
            "https://pub-x.r2.dev/outputs/a.png",
        ),
        (DIGITALOCEAN, "https://bk.nyc3.digitaloceanspaces.com/outputs/a.png"),
        (LOCAL, "http://localhost:4566/bk/outputs/a.png"),
    ],
    ids=["r2", "r2-whatever-the-style", "digitalocean", "local"],
)
def test_each_kind_of_storage_has_its_urls(where: Spaces, url: str) -> None:
    assert public_url(where, "outputs/a.png") == url


@pytest.mark.parametrize(
    ("where", "url"),
    [
        (spaces("https://c.example/pfx", no_bucket=True), "https://c.example/pfx/a.png"),
        (spaces("https://c.example/pfx", path_style=False), "https://bk.c.example/pfx/a.png"),
        (spaces("https://c.example/pfx"), "https://c.example/pfx/bk/a.png"),
        (spaces("https://c.example/pfx/", no_bucket=True), "https://c.example/pfx/a.png"),
        (spaces("https://c.example//", path_style=False), "https://bk.c.example/a.png"),
        (spaces("https://c.example:8443/"), "https://c.example:8443/bk/a.png"),
        (spaces("http://c.example:81", path_style=False), "http://bk.c.example:81/a.png"),
    ],
)
def test_a_path_and_a_port_are_kept_and_slashes_are_not_doubled(where: Spaces, url: str) -> None:
    assert public_url(where, "a.png") == url


def test_a_bucket_that_the_host_has_already_is_not_put_there_again() -> None:
    where = spaces("https://bk.nyc3.cdn.digitaloceanspaces.com", path_style=False)

    assert public_url(where, "a.png") == "https://bk.nyc3.cdn.digitaloceanspaces.com/a.png"


def test_forcing_the_path_style_puts_the_bucket_into_the_path_whatever_the_host() -> None:
    """The host of a self-made server may well begin with the name of its bucket."""
    where = spaces("https://media.example.com", bucket="media")

    assert public_url(where, "a.png") == "https://media.example.com/media/a.png"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a b.png", "a%20b.png"),
        ("x/é 漢.png", "x/%C3%A9%20%E6%BC%A2.png"),
        ("100%25.png", "100%2525.png"),
        ("a?b#c&d+e=f.png", "a%3Fb%23c%26d%2Be%3Df.png"),
        ("a-b_c.d~e.png", "a-b_c.d~e.png"),
    ],
)
@pytest.mark.parametrize("where", [R2, DIGITALOCEAN, LOCAL])
def test_a_key_is_percent_encoded(where: Spaces, key: str, path: str) -> None:
    assert public_url(where, key).endswith(f"/{path}")


PUT_RIGHT = {
    "CDN endpoint with path, subdomain style (path lost)": "https://bk.cdn.example/pfx/outputs/runs/RID/a%20b.png",
}
"""Recorded cases in which the recorded answer is a dead link, and what is said instead."""

REFUSED = {
    'README "production" block with DONT=false FPS=false on R2 (misconfiguration in the fork docs)',
}
"""Recorded cases whose settings make nothing but dead links; comfyd does not start with them."""


def recorded_cases() -> list[dict[str, Any]]:
    if not RECORDED.exists():
        return []
    cases: list[dict[str, Any]] = json.loads(RECORDED.read_text())["cases"]
    return cases


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded cases are not part of the project")
@pytest.mark.parametrize("case", recorded_cases(), ids=lambda case: case["name"])
def test_recorded_urls_are_the_same_but_for_what_was_wrong(case: dict[str, Any]) -> None:
    env = {name: value.split(" or ")[0] for name, value in case["env"].items()}
    needed = {"NATS_URL": "n", "POSTGRES_URL": "p", "JWT_SECRET": "j" * 32}
    needed |= {"COMFYD_SEAL_KEYS": SEAL_KEY}
    env |= needed | {"SPACES_KEY": "k", "SPACES_SECRET": "s"}
    if case["name"] in REFUSED:
        with pytest.raises(SettingsInvalid, match="SPACES_CDN_DONT_INCLUDE_BUCKET: must be true"):
            settings_from(env)
        return
    settings = settings_from(env)

    url = public_url(settings.spaces, RECORDED_KEY)

    encoded = case["out"].replace("a b.png", "a%20b.png")
    assert url == PUT_RIGHT.get(case["name"], encoded)


def test_an_output_lies_in_its_runs_folder() -> None:
    assert output_key(RUN, "9/a b.png") == f"outputs/runs/{RUN}/9/a b.png"


@pytest.mark.parametrize("name", ["", "..", "../b.png", "a/../../b.png", "/a", "a//b", "./a", "a/"])
def test_no_name_leaves_the_runs_folder(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name an output"):
        output_key(RUN, name)


def test_content_has_an_address_that_only_the_secret_gives() -> None:
    tenant = "a15cec5e9a6c0f0e9c1f9d0e3c7f1c55"
    image = input_key("org_1", "ab" * 32, "png", secret=b"secret")
    graph = graph_key("org_1", "cd" * 32, secret=b"secret")

    folder = image.split("/")[1]
    assert len(folder) == len(tenant)
    assert image == f"inputs/{folder}/{'ab' * 32}.png"
    assert graph == f"workflows/{folder}/{'cd' * 32}.json"
    assert image != input_key("org_1", "ab" * 32, "png", secret=b"another")
    assert image != input_key("org_2", "ab" * 32, "png", secret=b"secret")


def test_the_run_of_an_output_is_in_its_key() -> None:
    assert run_of(output_key(RUN, "a b.png")) == RUN


@pytest.mark.parametrize(
    "key",
    [
        input_key("t", "0" * 64, "png", secret=b"s"),
        graph_key("t", "0" * 64, secret=b"s"),
        f"outputs/runs/{RUN}/",
        f"outputs/{RUN}/a.png",
        f"outputs/runs/{str(RUN).upper()}x/a.png",
        f"inputs/outputs/runs/{RUN}/a.png",
    ],
)
def test_all_else_is_no_output(key: str) -> None:
    assert not is_output(key)


def served(**more: str) -> Spaces:
    """Return where files are of an API that serves them itself."""
    own = {"COMFYD_SERVE_FILES": "true", "COMFYD_PORT": "3123", **more}
    return where_files_are(settings_from(REQUIRED | own))


def signature(key: str) -> str:
    """Return 128 bits of the signature that a key has in its address."""
    signed = b"file-address\x1f" + key.encode()
    digest = hmac.digest(REQUIRED["JWT_SECRET"].encode(), signed, "sha256")
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def test_an_address_leads_back_to_its_key_and_to_no_other() -> None:
    key = output_key(RUN, "漢 #1%?.png")
    address = unquote(file_address(served(), key))

    assert key_at(served(), address) == key
    for guess in (key, address[1:], f"{address}x", address.replace("#1", "#2")):
        assert key_at(served(), guess) is None
    assert key_at(served(JWT_SECRET="y" * 32), address) is None


def test_outputs_have_the_address_of_the_api_where_it_serves_them() -> None:
    key = output_key(RUN, "é 1.png")

    assert public_url(served(), key) == (
        f"http://127.0.0.1:3123/files/{signature(key)}/outputs/runs/{RUN}/%C3%A9%201.png"
    )


@pytest.mark.parametrize(
    ("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "[::1]")]
)
def test_the_address_is_one_that_can_be_opened(host: str, shown: str) -> None:
    key = output_key(RUN, "a.png")

    url = public_url(served(COMFYD_HOST=host), key)

    assert url == f"http://{shown}:3123/files/{signature(key)}/outputs/runs/{RUN}/a.png"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_proxy_in_front_is_in_the_address_with_its_path(slash: str) -> None:
    proxied = served(COMFYD_PUBLIC_URL=f"https://comfyd.example/images{slash}")

    key = output_key(RUN, "a.png")
    assert public_url(proxied, key) == (
        f"https://comfyd.example/images/files/{signature(key)}/outputs/runs/{RUN}/a.png"
    )


def test_our_own_pages_fetch_outputs_from_where_they_are_themselves() -> None:
    output, image = output_key(RUN, "a b.png"), input_key("t", "0" * 64, "png", secret=b"s")

    assert page_url(served(), output) == (f"files/{signature(output)}/outputs/runs/{RUN}/a%20b.png")
    assert page_url(served(), image) == public_url(served(), image)
    own = settings_from(REQUIRED).spaces
    assert page_url(own, output) == public_url(own, output)


def test_inputs_keep_the_address_of_the_storage() -> None:
    key = input_key("t", "0" * 64, "png", secret=b"s")

    assert public_url(served(), key) == f"http://127.0.0.1:8333/comfyd/{key}"


def test_where_it_does_not_serve_them_nothing_changes() -> None:
    settings = settings_from(REQUIRED)

    assert where_files_are(settings) == settings.spaces


def test_where_comfyd_serves_files_is_no_setting_of_the_storage() -> None:
    with pytest.raises(SettingsInvalid, match="SPACES_FILES_URL"):
        settings_from(REQUIRED | {"SPACES_FILES_URL": "http://x"})

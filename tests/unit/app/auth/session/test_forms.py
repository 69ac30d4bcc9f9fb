"""A form counts if it comes from a page of ours, in the very browser that the page was made for."""

import pytest

from app.auth.caller import ForeignOrigin
from app.auth.session.form_tokens import FormTokens
from app.auth.session.own_origin import check_own_origin
from tests.fakes.callers import SECRET

HOST = "127.0.0.1:3000"
PUBLIC = "https://comfyd.example/below"


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:3000", "https://127.0.0.1:3000", "https://comfyd.example"]
)
def test_our_own_origins(origin: str) -> None:
    check_own_origin(origin, host=HOST, public_url=PUBLIC)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:8188",
        "http://localhost:3000",
        "https://comfyd.example:8443",
        "https://comfyd.example.evil.example",
        "https://evil.example/comfyd.example",
        "file://127.0.0.1:3000",
        "127.0.0.1:3000",
    ],
)
def test_others_are_refused(origin: str) -> None:
    with pytest.raises(ForeignOrigin):
        check_own_origin(origin, host=HOST, public_url=PUBLIC)


@pytest.mark.parametrize("origin", ["", "http://", "null"])
def test_without_a_host_nothing_is_ours(origin: str) -> None:
    with pytest.raises(ForeignOrigin):
        check_own_origin(origin, host="", public_url="")


def test_a_token_is_for_one_browser_of_one_server() -> None:
    tokens = FormTokens(SECRET)
    assert tokens.matches(tokens.token("cfs_a"), "cfs_a")
    assert not tokens.matches(tokens.token("cfs_a"), "cfs_b")
    assert not tokens.matches("", "cfs_a")
    assert not tokens.matches("é", "cfs_a")
    assert not FormTokens("t" * 64).matches(tokens.token("cfs_a"), "cfs_a")

"""Who asks to log in is remembered by a cookie, and found among the machines."""

import pytest

from app.pages.sign_in.asking import Asking, decode_asking, machine_at, origin_of
from tests.builders.facts import NOW, later

ASKING = Asking(request_id="r" * 16, origin="http://127.0.0.1:8188", at=NOW)
MACHINES = [("gpu", "https://gpu.example/comfy/"), ("local", "http://127.0.0.1:8188")]


def test_a_cookie_holds_who_asks() -> None:
    assert decode_asking(ASKING.encode()) == ASKING


@pytest.mark.parametrize("cookie", ["", "x", "!", "路", "e30=", "bnVsbA==", "gA=="])
def test_another_cookie_holds_nothing(cookie: str) -> None:
    assert decode_asking(cookie) is None


@pytest.mark.parametrize(
    ("seconds", "is_over"), [(-1, True), (0, False), (599, False), (600, True)]
)
def test_a_login_is_granted_within_ten_minutes(seconds: int, *, is_over: bool) -> None:
    assert ASKING.is_over(later(seconds)) is is_over


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("http://127.0.0.1:8188/", "http://127.0.0.1:8188"),
        ("https://GPU.example/a/b?c=d#e", "https://gpu.example"),
        ("https://gpu.example@evil.example/", "https://evil.example"),
        ("http://[::1]:8188/", "http://[::1]:8188"),
        ("", ""),
        ("about:blank", ""),
        ("javascript:alert(1)", ""),
        ("http://", ""),
        ("http://[::1/", ""),
        ("http://路.example/", ""),
        (f"http://{'x' * 200}/", ""),
    ],
)
def test_an_origin_is_read_from_the_address_of_a_page(address: str, origin: str) -> None:
    assert origin_of(address) == origin


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("http://127.0.0.1:8188", "local"),
        ("http://localhost:8188", "local"),
        ("https://gpu.example", "gpu"),
        ("http://gpu.example", ""),
        ("http://127.0.0.1:8189", ""),
        ("http://localhost.evil.example:8188", ""),
        ("http://127.0.0.1:8188.evil.example", ""),
    ],
)
def test_a_machine_is_known_by_the_origin_of_its_page(origin: str, name: str) -> None:
    assert machine_at(origin, MACHINES) == name


def test_no_origin_is_that_of_a_machine_without_one() -> None:
    assert machine_at("", [("odd", "not a url")]) == ""

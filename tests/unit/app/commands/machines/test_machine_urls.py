"""Which addresses a machine may be registered under."""

import pytest

from app.commands.machines.address import is_address


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8188",
        "https://gpu.example.com/comfy",
        "http://[::1]:8188",
        "http://gpu_1:8188/",
        "http://机器.example:8188",
    ],
)
def test_what_a_driver_can_open_is_taken(url: str) -> None:
    assert is_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gpu.example.com",
        "ftp://gpu.example.com",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:1\x00",
        "http://a b",
        "http://user:secret@gpu.example.com",
        "http://" + "a" * 300,
    ],
)
def test_what_no_driver_can_open_is_refused(url: str) -> None:
    assert not is_address(url)

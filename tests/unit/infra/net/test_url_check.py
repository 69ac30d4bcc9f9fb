"""Which URLs are refused before anybody is asked."""

import pytest

from infra.net.url_fetch import UrlProblem, UrlRefused, check_url


def refusal(url: str, *, allow_private: bool = False) -> UrlProblem:
    with pytest.raises(UrlRefused) as refused:
        check_url(url, allow_private=allow_private)
    return refused.value.code


@pytest.mark.parametrize(
    "url",
    [
        "https://e.com/a.png",
        "https://e.com/a.png?x=1",
        "https://e.com/a.png#f",
        "https://e.com/a",
        "https://e.com/x.png/y",
        "HTTPS://E.COM:8443/a.JPEG",
        "http://8.8.8.8/a.png",
        "http://[2606:4700:4700::1111]/a.png",
        "https://bücher.example/ü.png",
    ],
)
def test_a_url_of_the_open_internet_is_fine(url: str) -> None:
    assert check_url(url).host


@pytest.mark.parametrize(
    "url",
    [
        *("", "hello", "//e.com/a.png", "file:///etc/passwd.png", "ftp://h/a.png", "gopher://h/"),
        *("data:image/png;base64,AAAA", "javascript:alert(1)"),
    ],
)
def test_only_http_and_https_are_taken(url: str) -> None:
    assert refusal(url) is UrlProblem.SCHEME


@pytest.mark.parametrize(
    "url",
    [
        "http:///a.png",
        "https:e.com/a.png",
        "http://h:99999/a.png",
        "http://[::1/a.png",
        "http://user:secret@e.com/a.png",
        "http://user@e.com/a.png",
        "http://h\\@127.0.0.1/a.png",
        "http://1.2.3.4.5/a.png",
        "http://256.1.1.1/a.png",
        "http://[v1.fe80::a]/a.png",
        "http://e.com /a.png",
        "http://e.com\r\nX: y/a.png",
    ],
)
def test_a_url_that_is_none_or_has_a_password_is_refused(url: str) -> None:
    assert refusal(url) is UrlProblem.INVALID


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LocalHost.", "a.localhost", "printer.local", "metadata.google.internal"),
        *("127.0.0.1", "127.0.0.1.", "127.1", "0177.0.0.1", "0x7f.1", "0x7f000001", "2130706433"),
        *("①②⑦.⓪.⓪.①", "１２７.0.0.1", "0.0.0.0", "0", "169.254.169.254", "2852039166", "10.0.0.1"),
        *("100.64.0.1", "224.0.0.1", "[::1]", "[::]", "[fe80::1%25eth0]", "[fd00::1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
    ],
)
def test_an_address_that_is_not_public_is_refused_in_any_notation(host: str) -> None:
    assert refusal(f"http://{host}/latest/a.png") is UrlProblem.PRIVATE_ADDRESS


def test_private_addresses_may_be_allowed_and_nothing_else() -> None:
    assert check_url("http://127.0.0.1:8188/a.png", allow_private=True).port == 8188
    assert refusal("file:///etc/passwd", allow_private=True) is UrlProblem.SCHEME


def test_a_refusal_tells_no_secret() -> None:
    with pytest.raises(UrlRefused) as refused:
        check_url("http://user:hunter2@10.0.0.1/a.png?signature=hunter3")

    assert "hunter" not in f"{refused.value} {refused.value.params}"

"""Masking: secrets are hidden, and what stands around them can be read."""

import json

import pytest

from infra.masking import masker

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoiYWRhIn0.c2lnbmF0dXJl-_x"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("nats://comfyd:hunter2@n1:4222", "nats://comfyd:***@n1:4222"),
        ("nats://a-token@n1:4222", "nats://***@n1:4222"),
        ("postgresql://comfyd:p%40ss@db/x?a=1", "postgresql://comfyd:***@db/x?a=1"),
        ("https://user:p:w@host/path", "https://user:***@host/path"),
        ("http://host:8188/view", "http://host:8188/view"),
        ("mail to ada@example.com: ok", "mail to ada@example.com: ok"),
        (
            "/v1/runs/1/events?access_token=abc&after=7",
            "/v1/runs/1/events?access_token=***&after=7",
        ),
        (
            "/v1/runs/1/events?after=7&ticket=short",
            "/v1/runs/1/events?after=7&ticket=***",
        ),
        ("?X-Amz-Signature=0f0f&x=1", "?X-Amz-Signature=***&x=1"),
        ("?X-Amz-Credential=AKIA%2F1", "?X-Amz-Credential=***"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("authorization=Basic dTpw", "authorization=Basic ***"),
        ("key cfd_0123-Ab_c is revoked", "key cfd_*** is revoked"),
        ("session cfs_0123-Ab_c has ended", "session cfs_*** has ended"),
        (f"token {JWT}, again", "token eyJ***, again"),
        ("sealed gAAAAABl0123456789abcdefghijklmnop==", "sealed gAAAA***"),
        ("data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,***"),
        ("data:image/png;charset=utf-8;base64,iVBORw0KGgo= end", None),
        ("nothing to hide: key of the workflow, 200 tokens", None),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, masked: str | None) -> None:
    expected = masked or text.replace("iVBORw0KGgo=", "***")
    assert masker(())(text) == expected


def test_a_secret_that_is_known_is_hidden_wherever_it_stands() -> None:
    secret = 'quo"te and more'
    mask = masker({secret, "short", "quo"})
    assert mask(f"({secret})") == "(***)"
    assert json.loads(mask(json.dumps({"error": f"no: {secret}!"}))) == {"error": "no: ***!"}
    assert mask("a short word") == "a short word"


def test_of_two_secrets_the_longer_one_is_hidden_whole() -> None:
    assert masker({"abcdefgh", "abcdefgh-ijkl"})("abcdefgh-ijkl") == "***"


def test_a_masked_line_is_still_json() -> None:
    line = json.dumps({"url": f"nats://a:b@c, ?token={JWT}", "header": "Bearer x", "next": [1]})
    assert json.loads(masker(())(line)) == {
        "url": "nats://a:***@c, ?token=***",
        "header": "Bearer ***",
        "next": [1],
    }

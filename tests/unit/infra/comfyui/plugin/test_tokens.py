"""The token of a callback: what is changed in it proves nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from events.run.callback import CallbackClaims
from infra.comfyui.plugin.tokens import LONGEST, CallbackTokens, bearer_in
from tests.builders.facts import OTHER_ID, RUN_ID, later

CLAIMS = CallbackClaims(run_id=RUN_ID, attempt=2, expires_at=later(60))
TOKENS = CallbackTokens("a secret of 32 characters or more")


def test_a_token_proves_what_it_was_made_for() -> None:
    token = TOKENS.make(CLAIMS)

    assert TOKENS.claims(token) == CLAIMS
    assert token.isascii()
    assert not set(token) & set(" /?&=")
    assert len(token) < LONGEST


def test_a_token_of_another_secret_proves_nothing() -> None:
    assert CallbackTokens("another secret of 32 characters!").claims(TOKENS.make(CLAIMS)) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(CLAIMS, run_id=OTHER_ID),
        replace(CLAIMS, attempt=1),
        replace(CLAIMS, expires_at=later(61)),
    ],
)
def test_the_signature_of_one_attempt_is_none_of_another(other: CallbackClaims) -> None:
    signature = TOKENS.make(CLAIMS).rpartition(".")[2]
    signed = TOKENS.make(other).rpartition(".")[0]

    assert TOKENS.claims(f"{signed}.{signature}") is None


@given(token=st.text(max_size=300) | st.text("0123456789abcdef.", max_size=120))
def test_whatever_is_no_token_proves_nothing(token: str) -> None:
    assert TOKENS.claims(token) is None


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("Bearer  abc ", "abc"),
        ("Basic abc", ""),
        ("abc", ""),
        ("", ""),
    ],
)
def test_the_token_is_what_stands_behind_the_word_bearer(header: str, token: str) -> None:
    assert bearer_in(header) == token

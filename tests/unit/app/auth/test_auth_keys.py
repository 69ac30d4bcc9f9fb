"""API keys: recognisable, unguessable, and only known by their hash."""

from uuid import uuid4

import pytest

from app.auth.keys import SHOWN, fingerprint, key_id_in, looks_like_a_key, matches, new_key


def test_a_key_holds_its_id_and_is_otherwise_random() -> None:
    key_id = uuid4()
    one, other = new_key(key_id), new_key(key_id)

    assert len(one) == len(other) == 68
    assert one != other
    assert key_id_in(one) == key_id_in(other) == key_id
    assert one[:SHOWN] == other[:SHOWN], "what is shown must say nothing of the secret"


def test_only_the_key_itself_matches() -> None:
    key = new_key(uuid4())
    assert matches(key, fingerprint(key))
    assert not matches(key[:-1] + ("A" if key[-1] != "A" else "B"), fingerprint(key))


@pytest.mark.parametrize(
    "text", ["", "cfd_", "cfd_" + "a" * 63, "cfd_" + "a" * 65, "cfd_" + "!" * 64, "cfd_" + "é" * 64]
)
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert key_id_in(text) is None


def test_a_token_is_not_taken_for_a_key() -> None:
    assert not looks_like_a_key("eyJhbGciOiJIUzI1NiJ9.e30.x")

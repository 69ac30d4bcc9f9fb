"""Sealed secrets: opened with any of the keys, sealed with the first, and by nobody else."""

import pytest
from cryptography.fernet import Fernet

from infra.sealing import CannotOpen, Sealer

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_is_sealed_is_hidden_and_comes_back() -> None:
    sealed = Sealer(OLD).seal("s3cret 密")
    assert "s3cret" not in sealed
    assert Sealer(OLD).open(sealed) == "s3cret 密"


def test_the_same_secret_looks_different_each_time() -> None:
    sealer = Sealer(OLD)
    assert sealer.seal("a") != sealer.seal("a")


def test_an_old_key_behind_a_new_one_still_opens_and_the_new_one_seals() -> None:
    both = Sealer(f"{NEW}, {OLD}")
    assert both.open(Sealer(OLD).seal("a")) == "a"
    assert Sealer(NEW).open(both.seal("a")) == "a"
    with pytest.raises(CannotOpen):
        Sealer(OLD).open(both.seal("a"))


@pytest.mark.parametrize("sealed", ["", "nonsense", "密"])
def test_what_was_never_sealed_cannot_be_opened(sealed: str) -> None:
    with pytest.raises(CannotOpen):
        Sealer(OLD).open(sealed)


def test_what_was_changed_cannot_be_opened() -> None:
    sealed = Sealer(OLD).seal("a")
    with pytest.raises(CannotOpen):
        Sealer(OLD).open(sealed[:-6] + "AAAA==")


@pytest.mark.parametrize("keys", ["", " , ", "short", f"{OLD},short", "密" * 44, "A" * 44])
def test_a_key_that_is_none_is_refused_and_not_shown(keys: str) -> None:
    with pytest.raises(ValueError, match="key") as refused:
        Sealer(keys)
    assert OLD not in str(refused.value)
    assert "short" not in str(refused.value)

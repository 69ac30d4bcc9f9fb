"""Keys: issued once, fetched once, revoked once."""

import pytest
from msgspec.structs import replace

from events.access.api_key import (
    ApiKey,
    FetchKey,
    IssueKey,
    KeyFetched,
    KeyIssued,
    KeyRevoked,
    RevokeKey,
)
from events.aggregates import KEY
from events.errors import AlreadyExists, NotFound
from tests.builders.facts import NOW, OTHER_ID, later

ISSUED = KeyIssued(
    key_id=OTHER_ID,
    name="plugin",
    sha256="0f" * 32,
    prefix="cfd_AAAA",
    scopes=("runs:read",),
    deployments=(),
    expires_at=later(10),
    user_id="ada",
    org_id=None,
    by="user:ada",
    at=NOW,
)
REVOKE = RevokeKey(by="user:ada", now=later(1))


def test_a_key_is_issued_once() -> None:
    assert KEY.decide(None, IssueKey(issued=ISSUED)) == [ISSUED]
    key = KEY.fold([ISSUED])
    assert key == ApiKey(id=OTHER_ID, issued=ISSUED)
    assert KEY.decide(key, IssueKey(issued=ISSUED)) == []
    with pytest.raises(AlreadyExists):
        KEY.decide(key, IssueKey(issued=replace(ISSUED, sha256="00" * 32)))


def test_a_key_is_revoked_once() -> None:
    key = KEY.fold([ISSUED])
    (revoked,) = KEY.decide(key, REVOKE)
    assert revoked == KeyRevoked(by="user:ada", at=later(1))
    key = KEY.fold([ISSUED, revoked])
    assert key is not None
    assert key.revoked_at == later(1)
    assert KEY.decide(key, replace(REVOKE, now=later(2))) == []


def test_a_key_is_fetched_once() -> None:
    (fetched,) = KEY.decide(KEY.fold([ISSUED]), FetchKey(now=later(1)))
    assert fetched == KeyFetched(at=later(1))
    key = KEY.fold([ISSUED, fetched])
    assert key == ApiKey(id=OTHER_ID, issued=ISSUED, fetched_at=later(1))
    with pytest.raises(AlreadyExists):
        KEY.decide(key, FetchKey(now=later(2)))
    revoked = KEY.fold([ISSUED, fetched, *KEY.decide(key, REVOKE)])
    assert revoked == ApiKey(id=OTHER_ID, issued=ISSUED, fetched_at=later(1), revoked_at=REVOKE.now)


def test_what_was_never_issued_is_not_fetched() -> None:
    with pytest.raises(NotFound):
        KEY.decide(None, FetchKey(now=NOW))


def test_what_was_never_issued_cannot_be_revoked() -> None:
    with pytest.raises(NotFound):
        KEY.decide(None, REVOKE)


@pytest.mark.parametrize(("seconds", "expired"), [(9.9, False), (10, True), (11, True)])
def test_a_key_has_expired_from_its_end_on(seconds: float, *, expired: bool) -> None:
    assert ApiKey(id=OTHER_ID, issued=ISSUED).expired(later(seconds)) is expired


def test_a_key_without_an_end_never_expires() -> None:
    key = ApiKey(id=OTHER_ID, issued=replace(ISSUED, expires_at=None))
    assert not key.expired(later(10**9))

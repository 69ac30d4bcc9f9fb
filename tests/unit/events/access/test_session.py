"""Sessions: started once, revoked once, over at their end."""

import pytest
from msgspec.structs import replace

from events import ids
from events.access.session import (
    BrowserSession,
    RevokeSession,
    SessionRevoked,
    SessionStarted,
    SignInMethod,
    StartSession,
)
from events.aggregates import SESSION
from events.errors import AlreadyExists, NotFound
from tests.builders.facts import NOW, OTHER_ID, RUN_ID, later

STARTED = SessionStarted(
    session_id=OTHER_ID,
    sha256="0f" * 32,
    method=SignInMethod.LINK,
    user_id="ada",
    org_id=None,
    role="owner",
    key_id=None,
    expires_at=later(10),
    by="user:ada",
    at=NOW,
)
REVOKE = RevokeSession(by="user:ada", now=later(1))


def test_a_session_is_started_once() -> None:
    assert SESSION.decide(None, StartSession(started=STARTED)) == [STARTED]
    session = SESSION.fold([STARTED])
    assert session == BrowserSession(id=OTHER_ID, started=STARTED)
    assert SESSION.decide(session, StartSession(started=STARTED)) == []
    with pytest.raises(AlreadyExists):
        SESSION.decide(session, StartSession(started=replace(STARTED, sha256="00" * 32)))


def test_a_link_that_was_used_stays_used_after_the_session_has_ended() -> None:
    session = SESSION.fold([STARTED, SessionRevoked(by="user:ada", at=later(1))])
    with pytest.raises(AlreadyExists):
        SESSION.decide(session, StartSession(started=replace(STARTED, sha256="00" * 32)))


def test_a_session_is_revoked_once() -> None:
    session = SESSION.fold([STARTED])
    (revoked,) = SESSION.decide(session, REVOKE)
    assert revoked == SessionRevoked(by="user:ada", at=later(1))
    session = SESSION.fold([STARTED, revoked])
    assert session is not None
    assert session.revoked_at == later(1)
    assert SESSION.decide(session, replace(REVOKE, now=later(2))) == []


def test_what_was_never_started_cannot_be_revoked() -> None:
    with pytest.raises(NotFound):
        SESSION.decide(None, REVOKE)


@pytest.mark.parametrize(("seconds", "expired"), [(9.9, False), (10, True), (11, True)])
def test_a_session_has_expired_from_its_end_on(seconds: float, *, expired: bool) -> None:
    assert BrowserSession(id=OTHER_ID, started=STARTED).expired(later(seconds)) is expired


def test_a_link_starts_one_session_and_another_link_another() -> None:
    assert ids.linked_session_id(OTHER_ID) == ids.linked_session_id(OTHER_ID)
    assert ids.linked_session_id(OTHER_ID) != ids.linked_session_id(RUN_ID)

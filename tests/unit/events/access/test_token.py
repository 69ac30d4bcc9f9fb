"""Revoked tokens: once is enough."""

from events.access.token import RevokeToken, Token, TokenRevoked
from events.aggregates import TOKEN
from tests.builders.facts import NOW, OTHER_ID, later

REVOKE = RevokeToken(token_id=OTHER_ID, jti="7", by="user:ada", now=NOW)


def test_a_token_is_revoked_once() -> None:
    (revoked,) = TOKEN.decide(None, REVOKE)
    assert revoked == TokenRevoked(token_id=OTHER_ID, jti="7", by="user:ada", at=NOW)
    token = TOKEN.fold([revoked])
    assert token == Token(id=OTHER_ID, revoked_at=NOW)
    again = RevokeToken(token_id=OTHER_ID, jti=None, by="user:bob", now=later(1))
    assert TOKEN.decide(token, again) == []

"""Issue and revoke API keys, and revoke tokens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller, Unauthorized, tenant_of
from app.auth.credentials import Credentials
from app.auth.keys import SHOWN, fingerprint, looks_like_a_key, new_key
from app.auth.scopes import OF_RUNS
from app.commands.recorder import Recorder
from app.http.bad_request import bad
from app.reads.deployments import DeploymentReads
from app.reads.owned import load_owned
from events import ids
from events.access.api_key import ApiKey, IssueKey, KeyIssued, RevokeKey
from events.access.token import RevokeToken, Token
from events.aggregates import KEY, TOKEN
from events.errors import NotFound


class NewKey(Struct, frozen=True, kw_only=True):
    """An API key that was just made, and the secret that is shown once."""

    key: ApiKey
    secret: str


class Keys:
    """Use-cases that change which keys and tokens are valid."""

    def __init__(
        self, recorder: Recorder, deployments: DeploymentReads, credentials: Credentials
    ) -> None:
        self._recorder = recorder
        self._deployments = deployments
        self._credentials = credentials

    async def issue(
        self,
        caller: Caller,
        *,
        name: str,
        scopes: Sequence[str],
        deployments: Sequence[UUID],
        expires_at: datetime | None,
    ) -> NewKey:
        """Make a key; the log has its hash only.

        Raises:
            BadRequest: its scopes are too wide for a restricted key, or its end is over.
            NotFound: the caller has no such deployment.
            LogUnavailable: it is not made.

        """
        now = self._recorder.now()
        # A caller who may issue keys holds admin, so no key may do more than its maker.
        if deployments and not OF_RUNS.issuperset(scopes):
            raise bad("key_scope_too_wide", "/scopes", scopes=", ".join(sorted(OF_RUNS)))
        if expires_at is not None and expires_at <= now:
            raise bad("expiry_in_the_past", "/expires_at")
        for deployment_id in deployments:
            await self._deployments.current(caller, deployment_id)
        key_id = self._recorder.new_id()
        secret = new_key(key_id)
        issued = KeyIssued(
            key_id=key_id,
            name=name,
            sha256=fingerprint(secret),
            prefix=secret[:SHOWN],
            scopes=tuple(sorted(set(scopes))),
            deployments=tuple(sorted(set(deployments))),
            expires_at=expires_at,
            user_id=caller.user_id,
            org_id=caller.org_id,
            by=caller.actor,
            at=now,
        )
        session = self._recorder.new(caller, KEY, key_id)
        await self._recorder.execute(caller, session, IssueKey(issued=issued))
        return NewKey(key=ApiKey(id=key_id, issued=issued), secret=secret)

    async def revoke(self, caller: Caller, key_id: UUID) -> None:
        """Revoke a key; again changes nothing.

        Raises:
            NotFound: the caller has no such key.
            LogUnavailable: it is not revoked.

        """
        session = await load_owned(self._recorder.store, caller, KEY, key_id)
        command = RevokeKey(by=caller.actor, now=self._recorder.now())
        await self._recorder.execute(caller, session, command)
        self._credentials.states.forget(KEY, key_id)

    async def revoke_token(self, caller: Caller, *, token: str | None, jti: str | None) -> Token:
        """Revoke a token, or the one with a *jti* of this tenant; again changes nothing.

        Raises:
            BadRequest: neither or both are named, or it is no token.
            NotFound: it is a token of another tenant.
            LogUnavailable: it is not revoked.

        """
        if (token is None) == (jti is None):
            raise bad("token_or_jti", "")
        if token is not None:
            token_id = await self._token_id(caller, token)
        else:
            # The tenant is part of the id: another tenant's jti cannot be named.
            token_id = ids.token_id(caller.tenant, jti=jti or "")
        session = self._recorder.new(caller, TOKEN, token_id)
        await session.load()
        command = RevokeToken(token_id=token_id, jti=jti, by=caller.actor, now=self._recorder.now())
        await self._recorder.execute(caller, session, command)
        self._credentials.states.forget(TOKEN, token_id)
        return session.existing

    async def _token_id(self, caller: Caller, token: str) -> UUID:
        if looks_like_a_key(token):
            raise bad("bad_token", "/token")
        try:
            claims = await self._credentials.claims(token)
        except Unauthorized:
            raise bad("bad_token", "/token") from None
        if tenant_of(claims.user_id, claims.org_id) != caller.tenant:
            raise NotFound("this token is not one of yours")
        return claims.token_id

"""Check of a machine that is to be given its prompts by comfyui-deploy's plugin."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from events.errors import PluginUnusable, Problem
from events.machine.state import Machine
from events.run.callback import CHECK, CallbackClaims
from infra.comfyui.driver import open_client
from infra.comfyui.plugin.reach import ANSWER_WITHIN, store_one_file
from infra.comfyui.plugin.tokens import CallbackTokens
from infra.comfyui.secrets import opened
from infra.machine_driver import MachineRefused, MachineUnreachable
from infra.s3.keys import reach_key
from infra.s3.port import ObjectStorage
from infra.sealing import CannotOpen, Sealer

LONGEST_REASON = 300
"""Characters kept of what a machine says."""


class PluginCheck:
    """Has machines store a file by way of the plugin."""

    def __init__(
        self,
        tokens: CallbackTokens,
        storage: ObjectStorage,
        sealer: Sealer,
        *,
        callback_url: str,
        allow_private: bool,
        now: Callable[[], datetime],
        new_id: Callable[[], UUID],
    ) -> None:
        """Have them find comfyd at *callback_url*; empty: no setting names it."""
        self._tokens = tokens
        self._storage = storage
        self._sealer = sealer
        self._callback_url = callback_url
        self._allow_private = allow_private
        self._now = now
        self._new_id = new_id

    async def check(self, machine: Machine) -> None:
        """Return if the machine reaches comfyd, and its storage.

        Raises:
            PluginUnusable: it does not, or has no plugin; or nothing says where comfyd is.
            StorageUnavailable, StorageRefused: it is not known whether it does.

        """
        if not self._callback_url:
            raise _refused("callback_url_missing")
        check_id = self._new_id()
        try:
            await self._have_it_store(machine, check_id)
        except (MachineRefused, MachineUnreachable, CannotOpen) as error:
            missing = isinstance(error, MachineRefused) and error.code == "plugin_missing"
            if missing:
                raise _refused("plugin_missing") from error
            raise self._no_way(str(error)) from error
        if await self._storage.size(reach_key(check_id)) is None:
            raise self._no_way("nothing came there")
        await self._storage.delete(reach_key(check_id))

    async def _have_it_store(self, machine: Machine, check_id: UUID) -> None:
        expires_at = self._now() + timedelta(seconds=2 * ANSWER_WITHIN)
        claims = CallbackClaims(run_id=check_id, attempt=CHECK, expires_at=expires_at)
        client = open_client(
            machine.url,
            secrets=opened(machine, self._sealer),
            answer_within=ANSWER_WITHIN,
            allow_private=self._allow_private,
        )
        try:
            token = self._tokens.make(claims)
            await store_one_file(client, callback_url=self._callback_url, token=token)
        finally:
            await client.close()

    def _no_way(self, reason: str) -> PluginUnusable:
        return _refused(
            "plugin_cannot_store", url=self._callback_url, reason=reason[:LONGEST_REASON]
        )


def _refused(code: str, **params: str) -> PluginUnusable:
    return PluginUnusable(problems=[Problem(code=code, pointer="/driver", params=params)])

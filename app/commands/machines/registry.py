"""Register a machine, and change its name, address or secrets."""

from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller
from app.commands.machines.address import checked_url
from app.commands.machines.plugin_check import PluginCheck
from app.commands.machines.sealed_secrets import SecretChanges, sealed_secrets
from app.commands.recorder import Recorder
from app.reads.machines import MachineReads
from events.aggregates import MACHINE
from events.errors import NameTaken
from events.machine.decide import ChangeMachine, MachineCommand, RegisterMachine
from events.machine.events import Driver, MachineRegistered
from events.machine.state import Machine
from events.subjects import identifier_of
from infra.sealing import Sealer


class Registered(Struct, frozen=True, kw_only=True):
    """A machine that is registered."""

    machine: Machine
    is_new: bool


class MachineRegistry:
    """Use-cases that change how a machine is reached."""

    def __init__(
        self,
        recorder: Recorder,
        machines: MachineReads,
        sealer: Sealer,
        plugin: PluginCheck,
        *,
        allow_private: bool,
    ) -> None:
        """Allow private addresses only with *allow_private*."""
        self._plugin = plugin
        self._recorder = recorder
        self._machines = machines
        self._sealer = sealer
        self._allow_private = allow_private

    async def register(
        self,
        caller: Caller,
        *,
        name: str,
        url: str,
        secrets: SecretChanges,
        driver: Driver | None = None,
    ) -> Registered:
        """Register a machine under a name; the same name again moves it to the new URL.

        A *driver* that is None is the stock one, or stays as it is.

        Raises:
            BadRequest: the URL is none, or leads where no machine may be; or the header is HTTP's.
            TokenNeeded: it moves to another host, and has a secret.
            PluginUnusable: its driver wants what it cannot do.
            LogUnavailable: it is not registered.

        """
        checked = checked_url(url, allow_private=self._allow_private)
        session = await self._machines.session_for_name(caller, name)
        sealed = sealed_secrets(secrets, session.state, self._sealer)
        header_name, sealed_header = sealed.header or ("", "")
        registered = MachineRegistered(
            machine_id=identifier_of(session.name),
            name=name,
            url=checked,
            driver=driver or (session.state.driver if session.state else Driver.COMFYUI),
            user_id=caller.user_id,
            org_id=caller.org_id,
            at=self._recorder.now(),
            sealed_token=sealed.token or "",
            header_name=header_name,
            sealed_header=sealed_header,
            sealed_comfy_key=sealed.comfy_key or "",
        )
        command = RegisterMachine(registered=registered)
        await self._check_driver(session.state, command)
        added = await self._recorder.execute(caller, session, command)
        is_new = bool(added) and session.version == len(added)
        return Registered(machine=session.existing, is_new=is_new)

    async def change(
        self,
        caller: Caller,
        machine_id: UUID,
        *,
        name: str | None,
        url: str | None,
        secrets: SecretChanges,
        driver: Driver | None = None,
    ) -> Machine:
        """Change a machine; a name, URL or driver that is None stays as it is.

        Raises:
            NotFound: the caller has no such machine.
            NameTaken: another machine has the name.
            BadRequest, TokenNeeded, PluginUnusable: see `register`.
            MachineGone: it was removed.
            LogUnavailable: it is not changed.

        """
        session = await self._machines.session(caller, machine_id)
        if name is not None:
            await self._check_name(caller, session.existing, name)
        sealed = sealed_secrets(secrets, session.state, self._sealer)
        command = ChangeMachine(
            name=name,
            url=None if url is None else checked_url(url, allow_private=self._allow_private),
            driver=driver,
            sealed_token=sealed.token,
            header=sealed.header,
            sealed_comfy_key=sealed.comfy_key,
            now=self._recorder.now(),
        )
        await self._check_driver(session.state, command)
        await self._recorder.execute(caller, session, command)
        return session.existing

    async def _check_driver(self, known: Machine | None, command: MachineCommand) -> None:
        """Check what the machine will be, where it is given its prompts by the plugin from now on.

        Raises:
            PluginUnusable: it cannot be.

        """
        then = known
        for event in MACHINE.decide(known, command):
            then = MACHINE.evolve(then, event)
        if then is None or then.driver != Driver.COMFYUI_DEPLOY:
            return
        if known is None or (then.url, then.driver) != (known.url, known.driver):
            await self._plugin.check(then)

    async def _check_name(self, caller: Caller, machine: Machine, name: str) -> None:
        """Refuse a name that another machine is known to have. Names are labels: a race may win.

        Raises:
            NameTaken: another machine has it.

        """
        others = await self._machines.sessions_called(caller, name)
        if any(other.existing.id != machine.id for other in others):
            raise NameTaken

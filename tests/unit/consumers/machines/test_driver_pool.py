"""Drivers: one for each machine as it is, kept while it is used, closed when it is not."""

import pytest
from cryptography.fernet import Fernet

from consumers.machines.driver_pool import (
    AddressForbidden,
    DriverPool,
    MachineMissing,
    TokenUnreadable,
)
from events.aggregates import MACHINE
from events.machine.decide import ChangeMachine, MachineCommand, RegisterMachine, RemoveMachine
from events.machine.events import MachineRegistered
from events.machine.state import Machine
from infra.comfyui.secrets import MachineSecrets
from infra.event_store import Session
from infra.net.machine_address import AddressRefused
from infra.sealing import Sealer
from tests.builders.facts import MACHINE_ID, NOW, OTHER_ID, SEAL_KEY, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine

URL, ELSEWHERE = "http://127.0.0.1:1", "http://127.0.0.1:2"
SEALER = Sealer(SEAL_KEY)


class World:
    """A log with one machine, and the drivers that were opened for it."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.opened: list[tuple[str, MachineSecrets, FakeMachine]] = []
        self.refuse: Exception | None = None
        self.machines = DriverPool(self.store, self._open, SEALER)
        self._session = Session(self.store, MACHINE, MACHINE_ID)

    async def _open(self, known: Machine, secrets: MachineSecrets) -> FakeMachine:
        if self.refuse:
            raise self.refuse
        driver = FakeMachine()
        self.opened.append((known.url, secrets, driver))
        return driver

    async def happens(self, command: MachineCommand) -> None:
        """Record it."""
        await self._session.execute(command, meta())

    async def use(self) -> None:
        """Use the machine for a moment."""
        async with self.machines.using(await self.machines.find(MACHINE_ID)):
            pass

    def closed(self) -> list[int]:
        """How often each driver was closed."""
        return [driver.closed for _, _, driver in self.opened]


@pytest.fixture
async def world() -> World:
    world = World()
    registered = MachineRegistered(
        machine_id=MACHINE_ID,
        name="m",
        url=URL,
        driver="comfyui",
        user_id="ada",
        org_id=None,
        at=NOW,
        sealed_token=SEALER.seal("secret"),
    )
    await world.happens(RegisterMachine(registered=registered))
    return world


async def test_a_machine_is_opened_once_with_its_secrets_in_clear(world: World) -> None:
    await world.use()
    await world.use()
    assert [(url, secrets) for url, secrets, _ in world.opened] == [
        (URL, MachineSecrets(token="secret"))
    ]
    assert world.closed() == [0]


async def test_a_machine_is_opened_with_its_header_and_the_account_of_its_nodes(
    world: World,
) -> None:
    header = ("X-API-Key", SEALER.seal("value"))
    account = SEALER.seal("comfyui-key")
    await world.happens(ChangeMachine(header=header, sealed_comfy_key=account, now=NOW))
    await world.use()
    [(_, secrets, _)] = world.opened
    assert secrets == MachineSecrets(
        token="secret", header=("X-API-Key", "value"), comfy_api_key="comfyui-key"
    )


@pytest.mark.parametrize(
    "change",
    [
        ChangeMachine(url=ELSEWHERE, sealed_token="", now=NOW),
        ChangeMachine(sealed_token=SEALER.seal("other"), now=NOW),
        ChangeMachine(header=("X-API-Key", SEALER.seal("other")), now=NOW),
        ChangeMachine(sealed_comfy_key=SEALER.seal("other"), now=NOW),
    ],
    ids=["moved", "another token", "another header", "another account"],
)
async def test_the_driver_of_a_machine_that_changed_is_closed_once_it_is_idle(
    world: World, change: ChangeMachine
) -> None:
    async with world.machines.using(await world.machines.find(MACHINE_ID)):
        await world.happens(change)
        await world.use()
        assert world.closed() == [0, 0]
    assert world.closed() == [1, 0]


async def test_the_driver_of_a_removed_machine_is_closed_and_the_machine_is_missing(
    world: World,
) -> None:
    async with world.machines.using(await world.machines.find(MACHINE_ID)):
        await world.happens(RemoveMachine(open_runs=1, force=True, now=NOW))
        with pytest.raises(MachineMissing):
            await world.machines.find(MACHINE_ID)
        assert world.closed() == [0]
    assert world.closed() == [1]


async def test_a_machine_that_nobody_registered_is_missing(world: World) -> None:
    with pytest.raises(MachineMissing):
        await world.machines.find(OTHER_ID)


@pytest.mark.parametrize("which", ["token", "header", "account"])
async def test_a_secret_that_no_key_opens_has_its_own_error(world: World, which: str) -> None:
    foreign = Sealer(Fernet.generate_key().decode()).seal("secret")
    change = {
        "token": ChangeMachine(sealed_token=foreign, now=NOW),
        "header": ChangeMachine(header=("X-API-Key", foreign), now=NOW),
        "account": ChangeMachine(sealed_comfy_key=foreign, now=NOW),
    }
    await world.happens(change[which])
    with pytest.raises(TokenUnreadable, match="COMFYD_SEAL_KEYS") as refused:
        await world.use()
    assert refused.value.code == "machine_token_unreadable"
    assert world.opened == []


async def test_an_address_where_no_machine_may_be_has_its_own_error(world: World) -> None:
    world.refuse = AddressRefused("10.0.0.1")
    with pytest.raises(AddressForbidden, match=r"10\.0\.0\.1") as refused:
        await world.use()
    assert refused.value.code == "machine_address_private"


async def test_at_the_end_every_driver_is_closed(world: World) -> None:
    await world.use()
    await world.machines.close()
    assert world.closed() == [1]

"""The machine under test: each of our own, or one that already runs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.machine_driver import MachineDriver
from tests.fakes.machine_labs import (
    REAL_PLUGIN,
    REAL_URL,
    DemoLab,
    Lab,
    PluginLab,
    RealLab,
    RealPluginLab,
    StandinLab,
)

REAL = ["real", "real plugin"] if REAL_PLUGIN else ["real"]


@pytest.fixture(params=REAL if REAL_URL else ["standin", "plugin", "demo"])
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lab]:
    if request.param in REAL:
        of = RealPluginLab if request.param == "real plugin" else RealLab
        lab: Lab = of(REAL_URL)
    else:
        lab = own = {"standin": StandinLab, "plugin": PluginLab, "demo": DemoLab}[request.param](
            tmp_path
        )
        await own.start()
    yield lab
    await lab.close()


@pytest.fixture
async def machine(lab: Lab) -> MachineDriver:
    return await lab.open()

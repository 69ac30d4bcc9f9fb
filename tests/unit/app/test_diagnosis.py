"""What the doctor says of what it finds: each fault by itself, with its fix, in both languages."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import Struct
from msgspec.structs import replace

from app.diagnosis import WORDS, Findings, FoundMachine, ReadModels, judge
from infra.log_health import LogHealth
from infra.storage_probe import StorageProbe

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LOG = LogHealth(version=(2, 12, 1), largest_message=1 << 20, differing={}, position=9_000)
MACHINE = FoundMachine(name="gpu-1", state="active", observed=True)
TABLES = ReadModels(version=15, position=9_000, machines=[MACHINE])
STORAGE = StorageProbe(url="https://cdn/x", open_to_pages=True)
WELL = Findings(time=NOW, log=LOG, storage=STORAGE, read_models=TABLES)


def with_(part: str, **changes: object) -> Findings:
    """Change one part of what is well."""
    found: Struct = getattr(WELL, part)
    return replace(WELL, **{part: replace(found, **changes)})


FAULTS = {
    "log_away": replace(WELL, log=None),
    "log_old": with_("log", version=(2, 11, 9)),
    "log_small": with_("log", largest_message=64_000),
    "log_unwritable": with_("log", writable=False),
    "streams_differ": with_("log", differing={"RUNS": ("missing",)}),
    "clock_off": with_("log", clock_ahead=timedelta(seconds=-3)),
    "postgres_away": replace(WELL, read_models=None),
    "postgres_old": with_("read_models", version=14),
    "postgres_full": with_("read_models", write_error="No space left on device"),
    "behind": with_("read_models", position=3_999),
    "storage_write": with_("storage", write_error="AccessDenied"),
    "storage_read": with_("storage", read_error="it answers 403"),
    "storage_cors": with_("storage", open_to_pages=False),
    "machine_none": with_("read_models", machines=[]),
    "machine_unseen": with_("read_models", machines=[replace(MACHINE, observed=False)]),
    "machine_silent": with_("read_models", machines=[replace(MACHINE, silence="refused")]),
    "machine_resting": with_("read_models", machines=[replace(MACHINE, state="draining")]),
}


def test_what_is_well_is_said_to_be_so() -> None:
    checks = judge(WELL, "en")
    assert [check.name for check in checks if check.ok] == [
        "log",
        "streams",
        "clock",
        "postgres",
        "storage",
        "machine gpu-1",
    ]
    assert len(checks) == 6


@pytest.mark.parametrize("code", FAULTS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_fault_is_found_alone_and_with_its_fix(code: str, language: str) -> None:
    (bad,) = [check for check in judge(FAULTS[code], language) if not check.ok]
    assert bad.code == code
    assert bad.detail
    assert bad.fix
    assert "{" not in bad.detail + bad.fix
    chinese = any("\u4e00" <= character <= "\u9fff" for character in bad.detail)
    assert chinese == (language == "zh")


def test_every_word_belongs_to_a_fault_that_is_tested() -> None:
    assert {key.removesuffix(".fix") for key in WORDS} == FAULTS.keys()


def test_the_log_is_not_blamed_for_what_it_could_not_say() -> None:
    unknown = with_("log", clock_ahead=None, differing={"RUNS": ("missing",)}, position=0)
    assert [check.code for check in judge(unknown, "en") if not check.ok] == ["streams_differ"]

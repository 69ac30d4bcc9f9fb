"""The audit: what is not pinned, not known or known to be broken is told."""

from datetime import date

import msgspec
import pytest

from tests.tools import audit
from tests.tools.audit import (
    LOCKS,
    ROOT,
    Ignored,
    Unanswered,
    expired,
    lock_problems,
    vulnerabilities,
)

HASH = "--hash=sha256:" + "0f" * 32


def problems(*texts: str) -> list[str]:
    return list(lock_problems({f"{n}.txt": text for n, text in enumerate(texts)}))


def test_our_own_locks_are_pinned_with_hashes() -> None:
    assert list(lock_problems({name: (ROOT / name).read_text("utf-8") for name in LOCKS})) == []


def test_a_pin_has_a_version_and_hashes() -> None:
    first = f"a==1 \\\n    {HASH} \\\n    {HASH}\n    # via b\n"
    second = f"b[x]==2.0 ; sys_platform == 'win32' \\\n    {HASH}\n"
    lock = first + second
    assert problems(lock) == []


@pytest.mark.parametrize(
    "line",
    [
        "a==1",
        f"a>=1 {HASH}",
        f"a==1.* {HASH}",
        f"a @ https://example.com/a.whl {HASH}",
        "-e .",
        "--index-url https://example.com/simple",
        "--trusted-host example.com",
        "a==1 --hash=md5:0f",
    ],
)
def test_what_is_not_pinned_is_told(line: str) -> None:
    assert problems(line) == [f"0.txt: not pinned with hashes: {line[:80]}"]


def test_what_is_tested_is_what_runs() -> None:
    assert problems(f"a==1 {HASH}", f"a==2 {HASH}") == ["1.txt: a is 2, elsewhere 1"]


def test_a_vulnerability_is_told_with_its_remedy() -> None:
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {
                "name": "b",
                "version": "2",
                "vulns": [{"id": "GHSA-1", "fix_versions": ["2.1"], "description": "…"}],
            },
        ],
        "fixes": [],
    }
    assert vulnerabilities(msgspec.json.encode(report)) == ["b 2: GHSA-1, fixed in 2.1"]


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b'{"dependencies": []}',
        b'{"dependencies": [{"name": "a", "skip_reason": "not found"}]}',
    ],
)
def test_a_package_of_which_nothing_is_known_is_not_called_safe(report: bytes) -> None:
    with pytest.raises(Unanswered):
        vulnerabilities(report)


def test_an_exception_ends() -> None:
    ignored = [Ignored(id="GHSA-1", reason="not reachable", until=date(2026, 1, 1))]
    assert list(expired(ignored, date(2026, 1, 1))) == []
    assert list(expired(ignored, date(2026, 1, 2))) == [
        "GHSA-1 was to be ignored until 2026-01-01: not reachable"
    ]


@pytest.mark.parametrize(("required", "code"), [("", 0), ("required", 1)])
def test_where_nobody_can_be_asked_the_audit_says_so_and_fails_only_if_it_must_not(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    required: str,
    code: int,
) -> None:
    monkeypatch.setattr(audit, "_disagreements", list)
    monkeypatch.setattr(audit, "_ask_service", bytes)
    monkeypatch.setenv("AUDIT", required)
    with pytest.raises(SystemExit) as ended:
        audit.main()
    assert ended.value.code == code
    assert capsys.readouterr().err.count("NOT AUDITED") == 1

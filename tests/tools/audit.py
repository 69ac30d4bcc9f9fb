"""Check installed packages against the lock and known vulnerabilities: `make audit`.

What can be told offline always counts. Vulnerabilities are asked for at osv.dev; where that
cannot be reached, the audit says so and passes, unless AUDIT=required (as in a CI that has the
internet).
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
"""What runs, and what develops; the second holds all of the first."""

_PINNED = re.compile(
    r"(?P<name>[a-z0-9._-]+)(\[[a-z0-9,._-]+\])?==(?P<version>[^\s;=*]+)(\s*;[^#]*?)?"
    r"(\s+--hash=sha256:[0-9a-f]{64})+",
    re.IGNORECASE,
)


class Ignored(Struct, frozen=True, kw_only=True):
    """A known vulnerability that we live with for a while."""

    id: str
    reason: str
    until: date


IGNORED: tuple[Ignored, ...] = ()


class _Vulnerability(Struct):
    id: str
    fix_versions: list[str] = []


class _Dependency(Struct):
    name: str
    version: str = ""
    skip_reason: str = ""
    vulns: list[_Vulnerability] = []


class _Report(Struct):
    dependencies: list[_Dependency]


class Unanswered(Exception):
    """The service did not tell of every package."""


def main() -> None:
    """Audit, tell, and end with 1 if anything is wrong."""
    locks = {name: (ROOT / name).read_text("utf-8") for name in LOCKS}
    problems = [
        *lock_problems(locks),
        *expired(IGNORED, datetime.now(UTC).date()),
    ]
    problems += _disagreements()
    try:
        problems += vulnerabilities(_ask_service())
        told = "no known vulnerabilities"
    except Unanswered as error:
        told = f"NOT AUDITED for vulnerabilities: {error}"
        if os.environ.get("AUDIT") == "required":
            problems.append(told)
    for line in problems or [told]:
        click.echo(f"audit: {line}", err=True)
    sys.exit(1 if problems else 0)


def lock_problems(locks: Mapping[str, str]) -> Iterator[str]:
    """Yield what is not pinned to a version and hashes, or is pinned differently."""
    pinned: dict[str, str] = {}
    for file, text in locks.items():
        for line in _logical_lines(text):
            found = _PINNED.fullmatch(line)
            if not found:
                yield f"{file}: not pinned with hashes: {line[:80]}"
                continue
            # One name may stand there several times, for different platforms.
            name = f"{found['name']}{found[4] or ''}"
            if pinned.setdefault(name, found["version"]) != found["version"]:
                yield f"{file}: {name} is {found['version']}, elsewhere {pinned[name]}"


def expired(ignored: Sequence[Ignored], today: date) -> Iterator[str]:
    """Yield the exceptions that have expired."""
    for one in ignored:
        if one.until < today:
            yield f"{one.id} was to be ignored until {one.until}: {one.reason}"


def vulnerabilities(report: bytes) -> list[str]:
    """Read what pip-audit found.

    Raises:
        Unanswered: it could not look at every package.

    """
    try:
        found = msgspec.json.decode(report, type=_Report).dependencies
    except msgspec.DecodeError as error:
        raise Unanswered("the service cannot be reached") from error
    skipped = [dependency.name for dependency in found if dependency.skip_reason]
    if skipped or not found:
        raise Unanswered(f"nothing is known of {len(skipped)} packages: {', '.join(skipped[:3])}")
    return [
        f"{dependency.name} {dependency.version}: {one.id}, fixed in "
        f"{', '.join(one.fix_versions) or 'no version yet'}"
        for dependency in found
        for one in dependency.vulns
    ]


def _logical_lines(text: str) -> Iterator[str]:
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    for line in joined.splitlines():
        if stripped := line.split("#", 1)[0].strip():
            yield stripped


def _disagreements() -> list[str]:
    command = [str(Path(sys.prefix) / "bin" / "uv"), "pip", "check", "--python", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return ["; ".join(done.stderr.splitlines())] if done.returncode else []


def _ask_service() -> bytes:
    command = [
        *(sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / LOCKS[-1])),
        *("--require-hashes", "--disable-pip", "--vulnerability-service", "osv"),
        *("--format", "json", "--timeout", "10", "--progress-spinner", "off"),
        *(word for one in IGNORED for word in ("--ignore-vuln", one.id)),
    ]
    return subprocess.run(command, capture_output=True, check=False).stdout


if __name__ == "__main__":
    main()

"""comfyd backup and comfyd restore, as the command line has them."""

import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TransferSpeedColumn,
)

from consumers.cli.backup import KEPT, back_up, restore
from consumers.cli.command_line import (
    AWAY,
    REACH_WITHIN,
    SERVER_AWAY,
    language,
    refuse,
    run,
    settings_or_exit,
    unreachable_servers,
)
from consumers.cli.erase_again import erase_data_again, erase_files_again, find_erased
from events.messages.texts import Texts
from infra.event_store import LogUnavailable
from infra.jetstream.backup.errors import BackupError
from infra.jetstream.backup.folder import DATA, Manifest, State
from infra.jetstream.connection import connected
from infra.s3.port import StorageRefused, StorageUnavailable
from infra.s3.storage import open_object_storage
from infra.settings.settings import Settings
from infra.translation import translate

T = TypeVar("T")

WORDS: Texts = {
    "backed_up": "{stream}: {messages} messages up to position {last}, {bytes} bytes in {folder}",
    "not_in_it": "not in it: files in object storage, JWT_SECRET and COMFYD_SEAL_KEYS",
    "restored": "{stream}: {messages} messages up to position {last} restored",
    "erased_again": "erased runs whose data the backup had: {count}; deleted again",
    "files_unknown": (
        "files of erased runs were not looked for in object storage ({reason}): when it "
        "answers, run `comfyd restore --only-erase {folder}`"
    ),
    "looking": "files of erased runs",
    "next": "next: `comfyd migrate`, `comfyd projections rebuild`, then start everything",
}


@click.command(name="backup")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def backup_command(folder: Path) -> None:
    """Write the log and the private data beside it into a folder."""
    settings = settings_or_exit()
    for manifest in _run(_back_up(settings, folder)):
        _say_backed_up(manifest, folder)
    _say("not_in_it")


@click.command(name="restore")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--replicas", type=click.Choice(["1", "3", "5"]), default=None)
@click.option("--replace", is_flag=True)
@click.option("--only-erase", is_flag=True)
def restore_command(*, folder: Path, replicas: str | None, replace: bool, only_erase: bool) -> None:
    """Make the streams anew from a backup."""
    settings = settings_or_exit()
    if not only_erase:
        number = int(replicas) if replicas else settings.replicas
        for stream, state in _run(_restore(settings, folder, number, replace=replace)).items():
            _say("restored", stream=stream, messages=state.messages, last=state.last_seq)
    unknown = _run(_erase_again(settings))
    if unknown:
        _say("files_unknown", reason=unknown, folder=folder)
    _say("next")
    sys.exit(1 if unknown else 0)


async def _back_up(settings: Settings, folder: Path) -> list[Manifest]:
    async with connected(settings.nats_url, name="backup", within=REACH_WITHIN) as client:
        with StreamBars(dict.fromkeys(KEPT)) as bars:
            return await back_up(client, folder, bars.advance)


async def _restore(
    settings: Settings, folder: Path, replicas: int, *, replace: bool
) -> dict[str, State]:
    async with connected(settings.nats_url, name="restore", within=REACH_WITHIN) as client:
        with StreamBars({stream: _size(folder, stream) for stream in KEPT}) as bars:
            return await restore(client, folder, bars.advance, replicas=replicas, replace=replace)


async def _erase_again(settings: Settings) -> str:
    """Delete again what is erased; return why files may have stayed, nothing when none did."""
    async with connected(settings.nats_url, name="restore", within=REACH_WITHIN) as client:
        erased = await find_erased(client)
        again = await erase_data_again(client, erased)
        _say("erased_again", count=again)
        try:
            async with open_object_storage(settings.spaces) as storage:
                with _progress(MofNCompleteColumn()) as bar:
                    task = bar.add_task(_words("looking"), total=len(erased))
                    await erase_files_again(storage, erased, lambda: bar.advance(task))
        except (StorageUnavailable, StorageRefused) as error:
            return str(error)
    return ""


class StreamBars:
    """A bar for each stream, from its first byte on: what is refused shows none."""

    def __init__(self, sizes: Mapping[str, int | None]) -> None:
        self._progress = _progress(DownloadColumn(), TransferSpeedColumn())
        self._tasks = {
            stream: self._progress.add_task(stream, total=size, visible=False)
            for stream, size in sizes.items()
        }

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self, stream: str, count: int) -> None:
        """Show so many bytes more."""
        self._progress.update(self._tasks[stream], advance=count, visible=True)


def _progress(*columns: ProgressColumn) -> Progress:
    """Return bars that are gone when the result is printed; a file never has any."""
    text = TextColumn("{task.description}")
    return Progress(text, BarColumn(), *columns, console=Console(stderr=True), transient=True)


def _size(folder: Path, stream: str) -> int | None:
    file = folder / stream / DATA
    return file.stat().st_size if file.exists() else None


def _say_backed_up(manifest: Manifest, folder: Path) -> None:
    _say(
        "backed_up",
        stream=manifest.stream,
        messages=manifest.messages,
        last=manifest.last_seq,
        bytes=manifest.bytes,
        folder=folder / manifest.stream,
    )


def _words(key: str, **params: object) -> str:
    return translate(WORDS[key], language(), params)


def _say(key: str, **params: object) -> None:
    click.echo(_words(key, **params))


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        with unreachable_servers():
            return run(coroutine)
    except BackupError as error:
        refuse(error.text(language()))
    except (*AWAY, LogUnavailable) as error:
        away = BackupError("away", reason=str(error) or repr(error))
        refuse(away.text(language()), code=SERVER_AWAY)

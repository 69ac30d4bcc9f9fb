"""Asks the official editor what it sends for each official template and each case."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from tests.editor_oracle.answers import Answer, Form, Place, write_answers, write_object_info
from tests.editor_oracle.classes import trimmed
from tests.editor_oracle.devtools import Page, PageError, open_page
from tests.editor_oracle.editor_server import EditorServer
from tests.editor_oracle.packages import editor_files, template_files

Json = dict[str, Any]

CASES = Path(__file__).parents[1] / "golden" / "editor_cases"
_START_S = 120
_GRAPH_S = 60
_RELOAD_EVERY = 100
"""A page that has shown many graphs grows."""

_READY = "Boolean(window.app?.rootGraph && window.LiteGraph?.registered_node_types?.PreviewAny)"
_ASK = """(async graph => {
  const quiet = {deferWarnings: true, skipAssetScans: true, silentAssetErrors: true};
  await app.loadGraphData(graph, true, false, null, quiet);
  const {output, workflow} = await app.graphToPrompt();
  return JSON.stringify({sends: output, export: workflow, save: app.rootGraph.serialize()});
})"""
_QUEUE_TWICE = "(async () => { for (const _ of [1, 2]) await app.queuePrompt(0, 1); })()"


class _Editor:
    """The editor in a browser."""

    def __init__(self, page: Page, url: str, queued: list[Json]) -> None:
        self._page = page
        self._url = url
        self._queued = queued
        self._asked = 0

    async def ask(self, graph: Json) -> Json:
        """Load a graph, and return what is sent for it and how it is written anew.

        Raises:
            PageError: the editor cannot.
            TimeoutError: it takes too long.

        """
        if self._asked % _RELOAD_EVERY == 0:
            await self._open()
        self._asked += 1
        async with asyncio.timeout(_GRAPH_S):
            return dict(json.loads(await self._page.evaluate(f"{_ASK}({json.dumps(graph)})")))

    async def varied(self) -> list[list[Place]]:
        """Queue the graph that is loaded twice, and return the values that differ then.

        Those that stay the same as each other are together: one seed holds them.
        """
        self._queued.clear()
        async with asyncio.timeout(_GRAPH_S):
            await self._page.evaluate(_QUEUE_TWICE)
        first, second = map(_values, self._queued)
        together: defaultdict[str, list[Place]] = defaultdict(list)
        for place, value in first.items():
            if value != second.get(place):
                together[repr((value, second.get(place)))].append(place)
        return list(together.values())

    async def _open(self) -> None:
        await self._page.open(self._url)
        async with asyncio.timeout(_START_S):
            while not await self._page.evaluate(_READY):  # noqa: ASYNC110 -- a poll with a deadline
                await asyncio.sleep(0.2)
        await self._page.evaluate("app.canvas.pause_rendering = true")


def _values(prompt: Json) -> dict[Place, object]:
    return {(k, n): value for k, node in prompt.items() for n, value in node["inputs"].items()}


async def record(object_info: bytes) -> None:
    """Record the answers of all graphs; *object_info* is that of a stock ComfyUI, in JSON."""
    graphs = dict(_graphs())
    classes = trimmed(msgspec.json.decode(object_info), graphs.values())
    server = EditorServer(editor_files(), msgspec.json.encode(classes))
    answers: list[Answer] = []
    url = await server.start()
    try:
        async with open_page() as page:
            editor = _Editor(page, url, server.queued)
            for number, (name, graph) in enumerate(graphs.items(), 1):
                answers += [answer async for answer in _answers(editor, name, graph)]
                click.echo(f"{number}/{len(graphs)} {name}", err=True)
    finally:
        await server.stop()
    write_object_info(classes)
    write_answers(answers)


def _graphs() -> Iterator[tuple[str, Json]]:
    for file in [*sorted(CASES.glob("*.json")), *template_files()]:
        document = msgspec.json.decode(file.read_bytes())
        graph = document.get("editor", document)
        if "nodes" in graph:  # in both folders lie other things as well
            yield file.stem, graph


async def _answers(editor: _Editor, name: str, graph: Json) -> AsyncIterator[Answer]:
    """Yield the answer for a graph as it is given, and as the editor writes it in its two ways."""
    forms: dict[Form, Json] = {"given": graph}
    while forms:
        form = next(iter(forms))
        asked = forms.pop(form)
        try:
            told = await editor.ask(asked)
        except (PageError, TimeoutError) as error:
            yield Answer(name=name, form=form, graph=asked, error=repr(error))
            continue
        varies: list[list[Place]] = []
        if form == "given":
            forms = {"export": told["export"], "save": told["save"]}
            varies = await editor.varied()
        yield Answer(name=name, form=form, graph=asked, sends=told["sends"], varies=varies)

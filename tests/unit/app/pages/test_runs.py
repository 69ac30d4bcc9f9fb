"""The list of runs: filters in the address, lines with what a reader looks for."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, Request, get
from litestar.testing import TestClient
from msgspec.structs import replace

from app.http.bad_request import BadRequest
from app.pages.runs.filters import Filters, filters_of
from app.pages.runs.routes import RunsView
from app.pages.runs.rows import run_line
from app.pages.shell.shell import Address
from events.run.events import RunError
from events.run.progress import Progress
from events.run.state import Run, Upload
from events.run.status import Status
from infra.settings.settings import Spaces
from tests.builders.facts import MACHINE_ID, image_output
from tests.builders.pages import AT, EVIL, run, shell

SPACES = Spaces(endpoint="http://s3", endpoint_cdn="http://cdn", bucket="b", key="", secret="")


def filters(query: str) -> Filters:
    seen: list[Filters | BadRequest] = []

    @get("/")
    async def show(request: Request[Any, Any, Any]) -> None:
        try:
            seen.append(filters_of(request))
        except BadRequest as error:
            seen.append(error)

    with TestClient(Litestar([show], openapi_config=None)) as client:
        client.get(f"/?{query}")
    [found] = seen
    if isinstance(found, BadRequest):
        raise found
    return found


def test_filters_stand_in_the_address_and_come_back_as_they_were() -> None:
    query = f"status=failed&machine={UUID(int=7)}&within=24h"
    found = filters(f"{query}&before=12&workflow=&fixed=1")

    assert found == Filters(status=Status.FAILED, machine=UUID(int=7), within="24h", before=12)
    assert "&".join(f"{name}={value}" for name, value in found.chosen()) == query
    fits = found.as_of(AT)
    assert (fits.status, fits.machine_id, fits.since) == (
        Status.FAILED,
        UUID(int=7),
        AT - timedelta(days=1),
    )


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("status=done", "/status", "field_option"),
        ("within=2h", "/within", "field_option"),
        ("machine=gpu", "/machine", "field_format"),
        ("before=-1", "/before", "bad_cursor"),
        ("before=99999999999999999999", "/before", "bad_cursor"),
        ("before=%C2%B2", "/before", "bad_cursor"),
    ],
)
def test_a_filter_that_is_none_is_refused_by_its_name(query: str, pointer: str, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        filters(query)
    [problem] = refused.value.problems
    assert (problem.pointer, problem.code) == (pointer, code)


def shown(*runs: Run, view: dict[str, Any] | None = None, language: str = "en") -> str:
    lines = [
        run_line(
            one,
            Progress(percent=40, message="") if one.status is Status.RUNNING else None,
            machines={MACHINE_ID: "gpu-1"},
            spaces=SPACES,
            language=language,
            now=AT,
        )
        for one in runs
    ]
    found = RunsView(
        lines=lines,
        filters=Filters(),
        window=Filters(before=9),
        older=None,
        has_newer=False,
        may_change=False,
    )
    found = replace(found, **(view or {}))
    return shell(language, path="/runs").page("runs/list.html", view=found).content


def test_a_line_says_where_a_run_stands_and_why() -> None:
    picture = Upload(
        key="outputs/a b.png",
        media_type="image/png",
        bytes=1,
        sha256="a" * 64,
        width=640,
        height=480,
        upload_duration=0.1,
        at=AT,
    )
    ended = run(
        Status.SUCCESS,
        2,
        outputs=(image_output(),),
        uploads={0: picture},
        ended_at=AT + timedelta(seconds=75),
    )
    failed = run(Status.FAILED, 3, ended_at=AT, error=RunError(code="x", message="no memory"))
    text = shown(run(Status.NOT_STARTED), run(Status.RUNNING, 4, claimed=True), ended, failed)

    assert "for its turn on gpu-1" in text
    assert 'value="40"' in text
    assert f'/thumbnails/{"a" * 64}-384.webp" data-whole="http://cdn/b/outputs/a%20b.png"' in text
    assert '<a href="http://cdn/b/outputs/a%20b.png"><img src="http://cdn/b/outputs/runs/' in text
    assert 'width="640" height="480" loading="lazy"' in text
    assert "1 min 15 sec" in text
    assert "no memory" in text
    assert EVIL not in text
    assert 'hx-get="./runs/list?before=9&amp;fixed=1"' in text


def test_the_links_of_a_part_are_relative_to_the_page_that_shows_it() -> None:
    # Below a path of a proxy, `../runs` would lead out of it.
    part = shell(path="/runs/list").shown_on("/runs")
    assert part.address.to("runs") == "./runs"


def test_a_picture_that_we_serve_is_fetched_from_where_the_page_is() -> None:
    at_a_page = Address(path="/runs/list")
    assert at_a_page.of_file("files/outputs/a.png") == "../files/outputs/a.png"
    assert at_a_page.of_file("https://cdn/a.png") == "https://cdn/a.png"


def test_a_film_is_shown_by_its_first_frame_and_never_whole() -> None:
    film = Upload(
        key="outputs/film.mp4",
        media_type="video/mp4",
        bytes=1,
        sha256="a" * 64,
        upload_duration=0.1,
        at=AT,
    )
    ended = run(Status.SUCCESS, 2, outputs=(image_output(),), uploads={0: film}, ended_at=AT)
    text = shown(ended)

    assert '<a href="http://cdn/b/outputs/film.mp4"><img src="http://cdn/b/outputs/runs/' in text
    assert f'/thumbnails/{"a" * 64}-384.webp" width="1" height="1"' in text


def test_an_erased_picture_is_not_shown() -> None:
    gone = Upload(
        key="",
        media_type="image/png",
        bytes=1,
        sha256="",
        width=640,
        height=480,
        upload_duration=0.1,
        at=AT,
    )
    text = shown(run(Status.SUCCESS, outputs=(image_output(),), uploads={0: gone}, ended_at=AT))
    assert "<img" not in text


def test_an_empty_list_says_what_to_do() -> None:
    assert "comfyd run" in shown()
    filtered = shown(view={"filters": Filters(status=Status.FAILED)})
    assert "No run fits these filters." in filtered
    assert "没有符合筛选条件的运行。" in shown(
        view={"filters": Filters(status=Status.FAILED)}, language="zh"
    )


def test_older_and_newer_runs_are_a_link_away() -> None:
    older = {"older": Filters(before=5, status=Status.FAILED), "has_newer": True}
    text = shown(run(Status.FAILED), view=older | {"filters": Filters(status=Status.FAILED)})
    assert 'href="./runs?status=failed&amp;before=5"' in text
    assert "Show newer runs" in text

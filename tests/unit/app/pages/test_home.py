"""Home says what runs, what waits and why, what failed, and how to begin; it runs no text of it."""

from typing import Any
from uuid import UUID

import pytest
from litestar import Response
from msgspec.structs import replace

from app.pages.home.overview import home_view
from app.reads.overview import Overview
from tests.builders.facts import OTHER_ID
from tests.builders.pages import EVIL, busy_overview, empty_overview, machine, shell


def shown(overview: Overview, language: str = "en") -> Response[str]:
    view = home_view(overview, language)
    return shell(language).page("home.html", current="home", caller=None, view=view)


def test_home_names_what_runs_waits_and_failed() -> None:
    text = shown(busy_overview()).content
    for words in (
        "KSampler 8/20",
        'value="40"',
        "for its turn on gpu-1",
        "gpu-2 does not answer",
        "runs: 12",
        "CUDA out of memory",
        "RTX 4090",
        '<td class="number">1</td>\n    <td class="number">12</td>',
        "252",  # 240 + 12 runs in 24 hours
    ):
        assert words in text
    assert "First steps" not in text


def test_home_is_chinese_where_chinese_is_wanted() -> None:
    text = shown(busy_overview(), "zh").content
    assert 'lang="zh-Hans"' in text
    for words in ("正在运行", "等待 gpu-1 空闲", "gpu-2 没有响应", "最近的失败", "English"):
        assert words in text
    assert "Running now" not in text


def test_machines_that_need_a_person_stand_first_and_the_others_keep_their_order() -> None:
    busy = busy_overview()
    many = [machine(f"gpu-{n}", UUID(int=n)) for n in (7, 8, 9)]
    view = home_view(replace(busy, machines=[*many, machine("z", OTHER_ID)]), "en")
    assert [(m.name, m.state) for m in view.machines] == [
        ("z", "unreachable"),
        ("gpu-7", "active"),
        ("gpu-8", "active"),
        ("gpu-9", "active"),
    ]


def test_more_runs_than_are_shown_can_be_opened() -> None:
    busy = busy_overview()
    loads = [replace(busy.statistics.machines[0], active=9)]
    more = replace(busy, statistics=replace(busy.statistics, machines=loads))
    assert "Show all" in shown(more).content
    assert "Show all" not in shown(busy).content


def test_a_name_is_shown_and_not_run() -> None:
    text = shown(busy_overview()).content
    assert EVIL not in text
    assert "&lt;script&gt;alert(&#39;Fuchs&#39;)" in text


@pytest.mark.parametrize(
    ("changes", "open_steps"),
    [
        ({}, ["comfyd machine add", "comfyd deploy", "comfyd run"]),
        ({"machines": busy_overview().machines}, ["comfyd deploy", "comfyd run"]),
        ({"machines": busy_overview().machines, "has_deployments": True}, ["comfyd run"]),
        ({"has_runs": True}, []),
    ],
)
def test_an_empty_home_says_what_to_do_next(changes: Any, open_steps: list[str]) -> None:
    text = shown(replace(empty_overview(), **changes)).content
    steps = [s for s in ("comfyd machine add", "comfyd deploy", "comfyd run") if s in text]
    assert steps == open_steps


def test_headers_of_a_page_keep_everything_else_out() -> None:
    headers = shown(busy_overview()).headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data: http://127.0.0.1:8333; media-src 'self' http://127.0.0.1:8333; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"

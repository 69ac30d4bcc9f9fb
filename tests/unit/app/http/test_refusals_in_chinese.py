"""Every refusal says in Chinese what is wrong, to clients that prefer it; in English to others."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.testing import TestClient

from app.api.classic.errors import classic_error
from app.api.requests import identifier
from app.http.problems import STATUS_OF, problem_response
from app.reads.owned import not_found
from events import aggregates
from events.decider import Decider
from events.errors import CommandRefused, NotFound, NothingToRollBack
from infra.translation import message, translate
from tests.builders.facts import RUN_ID
from tests.builders.workflows import WORKFLOW
from tests.tools import messages
from tests.unit.app.http.test_problems import request

CHINESE = re.compile(r"[\u4e00-\u9fff]")
DECIDERS = [value for value in vars(aggregates).values() if isinstance(value, Decider)]


def with_subclasses(kind: type[CommandRefused]) -> Iterator[type[CommandRefused]]:
    yield kind
    for derived in kind.__subclasses__():
        yield from with_subclasses(derived)


REFUSALS = [kind for kind in with_subclasses(CommandRefused) if kind.code in STATUS_OF]


def raised() -> Iterator[tuple[str, ast.expr]]:
    """Yield every text that the source gives to a refusal, and the module in which it stands."""
    for room in messages.ROOMS:
        for path in sorted((messages.ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                match node:
                    case ast.Call(func=ast.Name(id=name), args=[text, *_]) if (
                        name in messages.REFUSALS
                    ):
                        yield str(path.relative_to(messages.ROOT)), text


@pytest.mark.parametrize("code", sorted(STATUS_OF))
def test_the_title_of_every_refusal_is_translated(code: str) -> None:
    assert CHINESE.search(message(code, "zh"))
    assert not CHINESE.search(message(code, "en"))


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_a_refusal_that_says_no_more_than_its_class_is_translated(
    kind: type[CommandRefused],
) -> None:
    assert problem_response(request(), kind()).content.detail == kind.__doc__
    assert CHINESE.search(problem_response(request("zh"), kind()).content.detail)
    assert classic_error(request(), kind()).content == {"error": kind.__doc__}
    assert CHINESE.search(classic_error(request("zh"), kind()).content["error"])


def test_every_class_of_refusals_is_taken_into_the_catalogue() -> None:
    kinds = [kind.__name__ for kind in with_subclasses(CommandRefused)]
    assert len(kinds) > 15
    assert set(kinds) <= messages.REFUSALS


def test_every_text_of_a_refusal_is_translated() -> None:
    texts = [(path, text) for path, text in raised() if not is_of_a_table(text)]
    assert len(texts) > 15
    catalogue = messages.catalogue()
    for path, text in texts:
        assert isinstance(text, ast.Constant), f"{path}:{text.lineno} is put together"
        entry = catalogue.get(str(text.value))
        assert entry is not None, f"{text.value!r}: run `make messages`"
        assert CHINESE.search(str(entry.string)), text.value


def is_of_a_table(text: ast.expr) -> bool:
    """Return whether a text is one of a table, all of whose texts are in the catalogue."""
    return ast.unparse(text) == "_NOT_FOUND[kind]"


@pytest.mark.parametrize("decider", DECIDERS, ids=lambda decider: decider.kind)
def test_what_is_not_found_is_named_in_both_languages(decider: Decider[Any, Any, Any]) -> None:
    refusal = not_found(decider.kind)
    assert str(refusal) == f"there is no {decider.kind} with this id"
    assert CHINESE.search(translate(refusal.text, "zh"))


def test_braces_of_what_was_sent_are_no_placeholders() -> None:
    refusal = NotFound("this workflow has no version {number}", number="{number}")
    assert problem_response(request(), refusal).content.detail == (
        "this workflow has no version {number}"
    )


@get("/runs/{run_id:str}", sync_to_thread=False)
def read_run(run_id: FromPath[str]) -> None:
    raise not_found(aggregates.RUN.kind) if identifier(run_id) == RUN_ID else AssertionError


@get("/versions/{number:int}", sync_to_thread=False)
def read_version(number: FromPath[int]) -> None:
    WORKFLOW.version(number)


@get("/rollback", sync_to_thread=False)
def roll_back() -> None:
    raise NothingToRollBack


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    app = Litestar(
        [read_run, read_version, roll_back],
        exception_handlers={Exception: problem_response},
        openapi_config=None,
        logging_config=None,
    )
    with TestClient(app) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "status", "english", "chinese"),
    [
        (f"/runs/{RUN_ID}", 404, "there is no run with this id", "没有此 ID 的运行"),
        ("/runs/x", 404, "there is nothing with this id", "没有此 ID 对应的资源"),
        ("/versions/9", 404, "this workflow has no version 9", "该工作流没有版本 9"),
        (
            "/rollback",
            409,
            "There is no such earlier version to go back to.",
            "没有可以退回的先前版本。",
        ),
    ],
)
def test_the_door_answers_in_the_language_of_the_client(
    client: TestClient[Litestar], path: str, status: int, english: str, chinese: str
) -> None:
    assert client.get(path).json()["detail"] == english
    answer = client.get(path, headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert (answer.status_code, answer.json()["detail"]) == (status, chinese)
    assert answer.headers["Content-Language"] == "zh"

"""The words around the product are true: what the code has, the pages name."""

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import click
import pytest
from litestar.exceptions import ClientException, HTTPException

from app.cli.main import main as cli
from app.http import problems
from app.http.bad_request import BadRequest
from app.http.problems import ErrorResponse
from consumers.__main__ import projections
from consumers.machines.driver_pool import MachineUnusable
from events.codec import TYPES
from events.errors import Problem
from events.messages import CATALOGUE
from events.run.events import Ending
from events.run.status import Status
from infra.comfyui.capabilities import CODES as CHECK_CODES
from infra.comfyui.refusals import CODES as REFUSAL_CODES
from infra.images.accepted import ImageProblem
from infra.net.url_fetch import UrlProblem
from infra.settings.settings import SETTING_NAMES
from tests.builders.settings import PASSED_ON
from tests.observe.described import operations
from tests.tools.lifecycle import PAGE, lifecycle_page

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ROOMS = ("app", "consumers", "events", "infra", "projections")
STATUS = re.compile(
    r"^Status: (accepted|superseded by \[\d+\]\(\d{4}-[\w-]+\.md\)) · Date: \d{4}-\d\d-\d\d$",
    re.MULTILINE,
)
PLACE = re.compile(rf"(?<![\w/.-])(?:{'|'.join(ROOMS)}|tests)/[a-z0-9_/.*-]*[a-z0-9_*]")
"""A path of the repository in a text. In capitals stand the parts that a reader fills in."""

NO_FILES = {
    "events/s",  # a unit
    "infra/deploy/.env",  # who deploys makes it
    "infra/deploy/tls",  # this, too
}
BLOCK = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def code_words(page: str) -> set[str]:
    """Return everything that a page sets in code, outside its blocks."""
    return set(re.findall(r"`([^`\n]+)`", BLOCK.sub("", page)))


def missing(wanted: set[str], page: str) -> set[str]:
    return wanted - code_words(text(page))


def sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from (ROOT / room).rglob("*.py")


def pages() -> list[Path]:
    return [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]


def headings(page: str) -> list[str]:
    """Return the level of every heading."""
    return re.findall(r"^(#+) ", BLOCK.sub("", page), re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    lines = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", ["docs/settings.md", "docs/zh/settings.md"])
def test_every_setting_is_explained(page: str) -> None:
    own = {*SETTING_NAMES, "COMFYUI_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    assert missing(own, page) == set()


@pytest.mark.parametrize("folder", ["docs", "docs/zh"])
def test_there_is_one_table_of_settings(folder: str) -> None:
    rows = {
        page.name: re.findall(r"^\| `([A-Z0-9_]+)`", page.read_text("utf-8"), re.MULTILINE)
        for page in (ROOT / folder).glob("*.md")
    }
    # Five may stand together where they are the subject.
    tables = {page for page, names in rows.items() if len({*SETTING_NAMES}.intersection(names)) > 5}
    assert tables == {"settings.md"}


@pytest.mark.parametrize("page", ["docs/traces.md", "docs/zh/traces.md"])
def test_every_variable_of_traces_is_explained(page: str) -> None:
    assert missing({*PASSED_ON}, page) == set()


def test_every_route_is_explained() -> None:
    routes = {f"{method} {path}" for method, path in operations()}
    assert missing(routes, "docs/api.md") == set()


@pytest.mark.parametrize("name", TYPES)
def test_every_event_is_explained_with_its_fields(name: str) -> None:
    [row] = re.findall(rf"^\| `{re.escape(name)}` \|.*$", text("docs/events.md"), re.MULTILINE)
    # "at" is in all of them, which is said once.
    assert {*TYPES[name].__struct_encode_fields__} - {"at"} - code_words(row) == set()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_row_of_a_table_is_cut_off_from_its_table(page: Path) -> None:
    tables = re.findall(r"(?:^ *\|.*\n)+", page.read_text("utf-8"), re.MULTILINE)
    assert [rows for rows in tables if not re.match(r".*\n *\|[ :|-]+\|\n", rows)] == []


def test_what_a_run_took_is_explained() -> None:
    assert missing({*Ending.__struct_fields__}, "docs/analyse-runs.md") == set()


@pytest.mark.parametrize(
    "page",
    [
        "docs/coming-from-comfyui-deploy.md",
        "docs/zh/coming-from-comfyui-deploy.md",
        "docs/glossary.md",
    ],
)
def test_every_status_is_explained(page: str) -> None:
    assert missing({str(status) for status in Status}, page) == set()


def test_every_error_code_is_explained() -> None:
    codes = {*CATALOGUE, *ImageProblem, *UrlProblem, *codes_of_runs()}
    codes |= {*REFUSAL_CODES.values(), *CHECK_CODES.values(), "rejected"}
    codes |= {kind.code for kind in MachineUnusable.__subclasses__()}
    assert missing({str(code) for code in codes}, "docs/errors.md") == set()


def test_codes_of_runs_are_found_in_the_source() -> None:
    found = codes_of_runs()
    assert {"node_failed", "machine_lost_run", "machine_unreachable", "graph_missing"} <= found
    assert {"output_refused", "machine_answer_invalid", "queue_timeout"} <= found


def codes_of_runs() -> set[str]:
    """Find the code of every error that a run may end with."""
    makers = re.compile(r"\b(RunError|run_error|MachineRefused)\(")
    modules = (s for path in sources() if makers.search(s := path.read_text("utf-8")))
    calls = (
        node
        for source in modules
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
    )
    return {code for call in calls for code in codes_in(call)}


def codes_in(call: ast.Call) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    given = {
        "_unusable": call.args[1:2],
        "run_error": call.args[:1],
        "MachineRefused": call.args[:1],
        "RunError": [keyword.value for keyword in call.keywords if keyword.arg == "code"],
    }
    for code in given.get(name, ()):
        if isinstance(code, ast.Constant):
            yield str(code.value)
        elif isinstance(code, ast.JoinedStr):
            # The one that is put together names what is away.
            yield from (f"{away}_unreachable" for away in ("machine", "storage"))


def test_every_refusal_is_explained_with_its_status() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3})", text("docs/errors.md"), re.MULTILINE)
    told = {code: int(status) for code, status in rows}
    assert told == {refusal.code: int(refusal.status) for refusal in refusals()}


def refusals() -> Iterator[ErrorResponse]:
    """Yield every way in which a request is refused."""
    yield from (
        ErrorResponse(status=status, code=code) for status, code in problems._BY_CLASS.values()
    )
    yield problems.error_response(BadRequest(Problem(code="bad_cursor")))
    yield problems.error_response(ClientException())
    yield problems.error_response(HTTPException(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
    yield problems.error_response(RuntimeError())


def test_every_command_is_explained() -> None:
    with_groups = {f"comfyd {name}" for name in cli.commands} - {"comfyd projections"}
    care = {f"comfyd projections {name}" for name in projections.commands}
    assert isinstance(cli, click.Group)
    assert missing(with_groups, "docs/cli.md") == set()
    assert missing(care, "docs/operations.md") == set()
    assert missing(_subcommands(), "docs/cli.md") == set()


def test_every_refusal_of_the_command_line_is_explained() -> None:
    codes = {
        code
        for source in (ROOT / "app" / "cli").rglob("*.py")
        for code in re.findall(r'CommandError\(\s*"cli\.(\w+)"', source.read_text("utf-8"))
    }
    assert {"no_login", "no_machine", "rerun_dry_watch"} <= codes
    assert missing(codes, "docs/cli.md") == set()


def _subcommands() -> set[str]:
    groups = [command for command in cli.commands.values() if isinstance(command, click.Group)]
    assert groups
    return {name for group in groups for name in group.commands}


def test_the_lifecycle_is_drawn_from_the_table() -> None:
    assert PAGE.read_text("utf-8") == lifecycle_page(), "run `make docs`"


def twins() -> list[tuple[str, str]]:
    """Return every page that there is in both languages: English, Chinese."""
    names = sorted({page.name for page in (DOCS / "zh").glob("*.md")} - {"README.md"})
    return [
        ("README.md", "README.zh-CN.md"),
        *((f"docs/{name}", f"docs/zh/{name}") for name in names),
    ]


@pytest.mark.parametrize(("english", "chinese"), twins())
def test_both_languages_have_the_same_headings_and_the_same_code(
    english: str, chinese: str
) -> None:
    told, also = text(english), text(chinese)
    assert headings(also) == headings(told)
    assert BLOCK.findall(also) == BLOCK.findall(told)
    assert code_words(told) - code_words(also) == set()


def test_decisions_are_numbered_without_a_gap_and_have_every_part() -> None:
    files = sorted((DOCS / "adr").glob("*.md"))
    assert [file.name[:4] for file in files] == [f"{n:04}" for n in range(1, len(files) + 1)]
    for file in files:
        page = file.read_text("utf-8")
        assert page.startswith(f"# {int(file.name[:4])}. "), file.name
        assert STATUS.search(page), file.name
        parts = re.findall(r"^## (.+)$", page, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences"], file.name


def test_every_decision_and_page_that_the_code_names_exists() -> None:
    named = {
        name
        for path in [*sources(), ROOT / "Makefile"]
        for name in re.findall(r"docs/(?:adr/\d{4}|\w+\.md)", path.read_text("utf-8"))
    }
    assert named, "the code names no page at all"
    generated = {"docs/benchmarks.md"}  # `make bench` writes it
    gone = {name for name in named - generated if not list(ROOT.glob(f"{name}*"))}
    assert gone == set()


def test_every_path_that_pages_and_code_name_exists() -> None:
    read = {*pages(), *sources(), ROOT / "Makefile", ROOT / "pyproject.toml"}
    read.remove(ROOT / "CHANGELOG.md")  # It says what was.
    named = {
        (str(path.relative_to(ROOT)), place)
        for path in read
        if "Status: superseded" not in (page := path.read_text("utf-8"))
        for place in PLACE.findall(page)
    }
    assert len(named) > 50
    assert {(page, place) for page, place in named if not is_there(place)} == set()


def is_there(place: str) -> bool:
    return place in NO_FILES or any(ROOT.glob(place)) or (ROOT / f"{place}.py").exists()


def test_the_map_of_rooms_has_every_folder() -> None:
    rows = re.findall(r"^\| `(\w+)/` \| [^|]+ \|(.*)\|$", text("CONTRIBUTING.md"), re.MULTILINE)
    told = {room: set(re.findall(r"`(\w+)/`", folders)) for room, folders in rows}
    assert told == {room: folders(room) for room in ROOMS} | {"tests": set()}


def folders(room: str) -> set[str]:
    """Return the folders of a room with something of the repository in them."""
    inside = (ROOT / room).glob("*/*")
    return {path.parent.name for path in inside if path.name != "__pycache__"} - {"__pycache__"}


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = []
    for page in pages():
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            path, _, anchor = link.partition("#")
            goal = (page.parent / path).resolve() if path else page
            if link.startswith("http"):
                continue
            if not goal.exists() or (anchor and anchor not in anchors(goal)):
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_the_changelog_tells_what_is_not_yet_released() -> None:
    sections = re.findall(r"^#+ (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    assert sections[:2] == ["Changelog", "[Unreleased]"]


def test_commands_of_make_that_the_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    named = {
        target
        for page in pages()
        for target in re.findall(
            r"(?:^|`| )make ([a-z-]+)(?=`|$| +#| ARGS)", page.read_text(), re.MULTILINE
        )
    }
    assert named - targets == set()


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_a_newcomer_reads_one_short_page(page: str) -> None:
    assert len(text(page).splitlines()) <= 120

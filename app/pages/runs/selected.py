"""What is done with the runs that were selected in the list: cancel, run again, erase.

First a page shows what each would become (the dry run); only what is confirmed there is done.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from msgspec import Struct

from app.auth.caller import Caller
from app.auth.scopes import RUNS_WRITE, needs
from app.commands.runs.rerun import Reruns
from app.commands.runs.resolve_rerun import Version
from app.commands.runs.run_changes import RunChanges
from app.http.bad_request import bad
from app.http.problems import error_response
from app.pages.shell.shell import Shell
from app.reads.runs.runs import RunReads
from events.errors import CommandRefused
from events.messages.texts import Texts
from events.run.state import Run
from infra.translation import message, problem_text, translate

MOST = 100


class Action(StrEnum):
    """What can be done with runs."""

    CANCEL = "cancel"
    RERUN = "rerun"
    ERASE = "erase"


WHY_NOT: Texts = {
    "ended": "it has ended already",
    "not_ended": "it has not ended; cancel it first",
    "erased": "its inputs and outputs are erased already",
}


class Planned(Struct, frozen=True, kw_only=True):
    """A run that was selected, and why nothing would be done with it; empty: it would."""

    run: Run
    why_not: str


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of an action on one run; empty: it was done."""

    run: Run
    refused: str


class Selection(Struct, frozen=True, kw_only=True):
    """What a form holds."""

    action: Action
    run_ids: Sequence[UUID]
    request: str
    """Names this confirmation, so that sent twice it is done once; empty before it."""


@post("/runs/selected", status_code=200, opt=needs(RUNS_WRITE, per_deployment=True))
async def selected(
    request: Request[Any, Any, Any],
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    run_reads: NamedDependency[RunReads],
    run_changes: NamedDependency[RunChanges],
    reruns: NamedDependency[Reruns],
) -> Response[Any]:
    """Show what an action would do with the selected runs; do it, once it is confirmed."""
    chosen = await _selection(request)
    planned = [
        Planned(run=run, why_not=why_not(chosen.action, run, shell.preferences.language))
        for run in [(await run_reads.find(page_caller, one)).run for one in chosen.run_ids]
    ]
    values: dict[str, Any] = {"action": str(chosen.action), "current": "runs"}
    values["caller"] = page_caller
    if not chosen.request:
        values |= {"planned": planned, "request": str(uuid4())}
        return shell.page("runs/confirm.html", **values)
    outcomes = [
        await _do(chosen, one.run, shell, page_caller, run_changes, reruns)
        for one in planned
        if not one.why_not
    ]
    return shell.page("runs/done.html", outcomes=outcomes, **values)


def why_not(action: Action, run: Run, language: str) -> str:
    """Return why nothing would be done with a run; empty where it would."""
    code = ""
    if action is Action.CANCEL and run.ended:
        code = "ended"
    elif action is Action.ERASE and not run.ended:
        code = "not_ended"
    elif action is not Action.CANCEL and run.erased_at:
        code = "erased"
    return translate(WHY_NOT[code], language) if code else ""


async def _do(
    chosen: Selection,
    run: Run,
    shell: Shell,
    caller: Caller,
    run_changes: RunChanges,
    reruns: Reruns,
) -> Outcome:
    """Do it with one run; a refusal is shown beside the others."""
    try:
        match chosen.action:
            case Action.CANCEL:
                await run_changes.cancel_run(caller, run.id)
            case Action.ERASE:
                await run_changes.erase_run(caller, run.id)
            case Action.RERUN:
                key = f"page:{chosen.request}:{run.id}"
                await reruns.one(
                    caller, run.id, inputs={}, version=Version.SAME, idempotency_key=key
                )
    except CommandRefused as error:
        return Outcome(run=run, refused=_refusal(error, shell.preferences.language))
    return Outcome(run=run, refused="")


def _refusal(error: CommandRefused, language: str) -> str:
    problems = "; ".join(problem_text(problem, language) for problem in error.problems)
    return problems or message(error_response(error).code, language)


async def _selection(request: Request[Any, Any, Any]) -> Selection:
    """Read the form.

    Raises:
        BadRequest: it holds no run, too many, or another action.

    """
    form = await request.form()
    runs = form.getall("run", [])
    if not 0 < len(runs) <= MOST:
        raise bad(
            "field_too_small" if not runs else "field_too_large",
            "/run",
            limit=str(MOST if runs else 1),
        )
    try:
        return Selection(
            action=Action(form.get("action", "")),
            run_ids=[UUID(run) for run in dict.fromkeys(runs)],
            request=form.get("request", ""),
        )
    except ValueError:
        raise bad("field_option", "/action", value=str(form.get("action", ""))) from None


@get("/runs/selected", opt=needs(RUNS_WRITE, per_deployment=True), sync_to_thread=False)
def nothing_selected() -> Response[bytes]:
    """Lead back to the list: a form that was sent cannot be opened by its address."""
    return Response(b"", status_code=303, headers={"Location": "../runs"})


ROUTES = [selected, nothing_selected]

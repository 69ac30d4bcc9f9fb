"""What becomes of the rows of a comfyui-deploy: names, owners, doubles and what is left out."""

import jwt
import pytest

from app.auth.tokens import Tokens
from app.cli.moving.lines import KeyState, key_line, key_state, machine_line, renumbered, token_of
from app.cli.moving.plan import Earlier, Made, Owner, Plan, plan_of
from app.cli.moving.report import NOTES, OUTCOMES, Line, Note, Outcome, Report, as_json
from infra.comfyui_deploy.source import (
    LeftBehind,
    SourceDeployment,
    SourceKey,
    SourceMachine,
    SourceRows,
    SourceVersion,
    SourceWorkflow,
)

SECRET = "s" * 64


def machine(
    identifier: str,
    name: str,
    org_id: str | None = None,
    *,
    kind: str = "classic",
    token: str = "",
) -> SourceMachine:
    return SourceMachine(
        identifier, "mia", org_id, name, "http://a", kind, disabled=False, token=token
    )


def deployment(
    identifier: str, machine_id: str = "m", environment: str = "production"
) -> SourceDeployment:
    return SourceDeployment(identifier, "w", "v", machine_id, environment, share_slug="")


POSTER = SourceWorkflow("w", "mia", None, "poster")


def test_the_first_of_a_name_keeps_it_and_no_other_is_called_like_one_that_is_there() -> None:
    names = ("a", "a", "a (2)", "", "\n", "x" * 300)
    rows = SourceRows(machines=tuple(machine(str(n), name) for n, name in enumerate(names)))

    found = [planned.name for planned in plan_of(rows).machines]

    assert found == ["a", "a (3)", "a (2)", "machine", "machine (2)", "x" * 200]
    assert [planned.name for planned in plan_of(rows).machines] == found


def test_names_are_of_a_tenant_and_a_machine_is_registered_for_all_who_use_it() -> None:
    rows = SourceRows(
        machines=(machine("m", "gpu"), machine("n", "gpu", "acme")),
        workflows=(SourceWorkflow("w", "mia", "acme", "poster"),),
        versions=(SourceVersion("v", "w", 1),),
        deployments=(deployment("d"),),
    )
    found = plan_of(rows)

    assert [(p.row.id, p.owner, p.name) for p in found.machines] == [
        ("m", Owner("mia", None), "gpu"),
        ("m", Owner("mia", "acme"), "gpu"),
        ("n", Owner("mia", "acme"), "gpu (2)"),
    ]
    [workflow] = found.workflows
    assert ([v.id for v in workflow.versions], len(workflow.deployments)) == (["v"], 1)


def test_of_deployments_of_one_environment_the_first_one_counts() -> None:
    rows = SourceRows(
        machines=(machine("m", "gpu"),),
        workflows=(POSTER,),
        deployments=(deployment("late"), deployment("early"), deployment("lost", "gone")),
    )
    [workflow] = plan_of(rows).workflows

    assert [(d.row.id, d.same_as, d.obstacle) for d in workflow.deployments] == [
        ("late", "", ""),
        ("early", "late", ""),
        ("lost", "", "machine_missing"),
    ]


def test_an_id_waits_for_what_is_deployed_by_hand_where_nothing_else_counts() -> None:
    rows = SourceRows(
        machines=(machine("m", "gpu"), machine("r", "pod", kind="runpod-serverless")),
        workflows=(POSTER,),
        deployments=(
            deployment("pod", "r"),
            deployment("gpu"),
            deployment("alone", "r", "staging"),
            deployment("other", "m", "preview"),
        ),
    )
    [workflow] = plan_of(rows).workflows

    assert [(d.row.id, d.obstacle, d.waits) for d in workflow.deployments] == [
        ("pod", "machine_missing", False),
        ("gpu", "", False),
        ("alone", "machine_missing", True),
        ("other", "environment", False),
    ]


def test_what_an_earlier_import_has_made_keeps_its_name_whatever_became_of_the_others() -> None:
    rows = SourceRows(
        machines=(machine("m", "gpu"), machine("n", "gpu")),
        workflows=(
            SourceWorkflow("twin", "mia", None, "poster"),
            SourceWorkflow("new", "mia", None, "poster"),
            SourceWorkflow("newer", "mia", None, "poster (2)"),
        ),
    )
    earlier = Earlier(
        machines={("user:mia", "n"): Made("id", "renamed here")},
        workflows={"twin": Made("id", "poster (2)")},
    )
    plan = plan_of(rows, earlier)

    assert [one.name for one in plan.machines] == ["gpu", "renamed here"]
    assert [one.name for one in plan.workflows] == ["poster (2)", "poster", "poster (2) (2)"]


def test_a_plan_counts_its_things_and_knows_its_tenants() -> None:
    rows = SourceRows(
        machines=(machine("m", "gpu", "acme"),),
        workflows=(POSTER,),
        versions=(SourceVersion("v", "w", 1),),
        deployments=(deployment("d"),),
        keys=(SourceKey("k", "shop", "x", revoked=False),),
    )
    plan = plan_of(rows)

    # The machine is there for both tenants.
    assert plan.size == 2 + 1 + 1 + 1 + 1
    assert plan.owners() == {"org:acme": Owner("mia", "acme"), "user:mia": Owner("mia", None)}
    assert plan_of(SourceRows()) == Plan(machines=(), workflows=(), keys=())


@pytest.mark.parametrize(
    ("token", "sent"),
    [
        ("", ""),
        ("s3cret", "s3cret"),
        ("two words", ""),
        ("ключ", ""),
        ("a\n", ""),
        ("x" * 4001, ""),
    ],
)
def test_the_token_of_a_machine_moves_if_a_header_takes_it(token: str, sent: str) -> None:
    [planned] = plan_of(SourceRows(machines=(machine("m", "gpu", token=token),))).machines

    assert token_of(planned) == sent


def test_the_token_of_a_machine_stays_with_its_own_tenant() -> None:
    rows = SourceRows(
        machines=(machine("m", "gpu", "acme", token="s3cret"),),
        workflows=(POSTER,),
        deployments=(deployment("d"),),
    )
    own, guest = plan_of(rows).machines

    assert (own.owner.tenant, token_of(own)) == ("org:acme", "s3cret")
    assert (guest.owner.tenant, token_of(guest)) == ("user:mia", "")
    assert [note.code for note in machine_line(guest).notes] == ["machine_guest"]
    assert "s3cret" not in str([machine_line(own), machine_line(guest)])


def key_of(secret: str = SECRET, algorithm: str = "HS256", **claims: object) -> str:
    return jwt.encode({"user_id": "mia", "iat": 1} | claims, secret, algorithm=algorithm)


OURS = Owner("mia", None)


@pytest.mark.parametrize(
    ("key", "revoked", "state"),
    [
        (key_of(), False, KeyState(OURS, "key_valid")),
        (key_of(), True, KeyState(OURS, "key_revoked")),
        (key_of(org_id="acme"), False, KeyState(Owner("mia", "acme"), "key_valid")),
        (key_of(algorithm="HS384"), False, KeyState(OURS, "key_valid")),
        (key_of(algorithm="HS512"), True, KeyState(OURS, "key_revoked")),
        (key_of(exp=2), False, KeyState(None, "key_invalid")),
        (key_of(user_id=""), False, KeyState(None, "key_invalid")),
        (key_of("t" * 64), False, KeyState(None, "key_other_secret")),
        (key_of("t" * 64, "HS384"), True, KeyState(None, "key_other_secret")),
        ("no token", True, KeyState(None, "key_other_secret")),
    ],
)
def test_what_becomes_of_a_key_depends_on_who_has_signed_it(
    key: str, *, revoked: bool, state: KeyState
) -> None:
    row = SourceKey("k", "shop", key, revoked=revoked)

    assert key_state(row, Tokens(SECRET)) == state
    left_out = key_line(row, state).outcome is Outcome.LEFT_OUT
    assert left_out == (state.owner is None)
    assert key not in str(key_line(row, state))


def test_a_number_that_changes_is_reported() -> None:
    version = SourceVersion("v", "w", 3)
    assert renumbered(version, 3, set()) == []
    assert renumbered(version, 2, set()) == [Note("version_number", {"version": "2"})]
    assert renumbered(version, 3, {3}) == [Note("version_same", {"version": "3"})]


def line(*codes: str, kind: str = "machine") -> Line:
    return Line(
        kind=kind,
        tenant="user:mia",
        id="m",
        name="gpu",
        outcome=Outcome.LEFT_OUT,
        notes=tuple(Note(code, {"type": "modal-serverless"}) for code in codes),
    )


def test_a_report_is_in_the_language_of_its_reader() -> None:
    report = Report(
        lines=[line("machine_type"), line("key_other_secret", kind="key")],
        left_behind=LeftBehind(runs=12, outputs=34),
    )
    english, chinese = as_json(report, "en"), as_json(report, "zh")

    details = [told["lines"][0]["notes"][0]["detail"] for told in (english, chinese)]
    assert len(set(details)) == 2
    assert all("modal-serverless" in detail for detail in details)
    assert english["counts"]["machine"] == {"left_out": 1}
    assert english["not_imported"] == {"runs": 12, "outputs": 34}
    assert len({report.remark("en"), report.remark("zh")}) == 2
    assert set(OUTCOMES) == set(Outcome)
    assert "refused" in NOTES


def test_keys_of_another_secret_are_a_warning_with_their_number() -> None:
    keys = [line(code, kind="key") for code in ("key_valid", "key_other_secret", "key_invalid")]

    [warning] = Report(lines=keys).warnings("en")
    assert warning.startswith("1 of 3 keys")
    assert Report(lines=keys[:1]).warnings("en") == []

"""What becomes of the rows of a comfyui-deploy: names, owners, doubles and what is left out."""

from app.auth.tokens import Tokens
from app.cli.moving.lines import custom_nodes, key_owner, renumbered
from app.cli.moving.plan import Owner, plan_of
from app.cli.moving.report import NOTES, OUTCOMES, Line, Note, Outcome, as_json
from infra.comfyui_deploy.source import (
    SourceDeployment,
    SourceKey,
    SourceMachine,
    SourceRows,
    SourceVersion,
    SourceWorkflow,
)

SECRET = "s" * 64


def machine(identifier: str, name: str, org_id: str | None = None) -> SourceMachine:
    return SourceMachine(
        identifier, "mia", org_id, name, "http://a", "classic", disabled=False, has_token=False
    )


def deployment(identifier: str, machine_id: str = "m") -> SourceDeployment:
    return SourceDeployment(identifier, "w", "v", machine_id, "production", is_shared=False)


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
        workflows=(SourceWorkflow("w", "mia", None, "poster"),),
        deployments=(deployment("late"), deployment("early"), deployment("lost", "gone")),
    )
    [workflow] = plan_of(rows).workflows

    assert [(d.row.id, d.same_as, d.obstacle) for d in workflow.deployments] == [
        ("late", "", ""),
        ("early", "late", ""),
        ("lost", "", "machine_missing"),
    ]


def test_a_key_is_of_whom_its_claims_name_if_the_secret_is_the_same() -> None:
    tokens = Tokens(SECRET)
    ours = tokens.issue(user_id="mia", org_id="acme", seconds=None)
    theirs = Tokens("t" * 64).issue(user_id="mia", org_id=None, seconds=None)

    assert key_owner(SourceKey("k", "shop", ours, revoked=False), tokens) == Owner("mia", "acme")
    assert key_owner(SourceKey("k", "shop", theirs, revoked=False), tokens) is None
    assert key_owner(SourceKey("k", "shop", "no token", revoked=True), tokens) is None


def test_the_packs_of_a_snapshot_are_those_that_were_on() -> None:
    packs = {"https://a": {"hash": "1", "disabled": False}, "https://b": {"disabled": True}}

    assert custom_nodes({"git_custom_nodes": packs}) == {"https://a": "1"}
    nothing: list[object] = [
        None,
        [],
        {},
        {"git_custom_nodes": None},
        {"git_custom_nodes": {"a": 1}},
    ]
    assert [custom_nodes(one) for one in nothing] == [{}] * len(nothing)


def test_a_number_that_changes_is_reported() -> None:
    version = SourceVersion("v", "w", 3)
    assert renumbered(version, 3, set()) == []
    assert renumbered(version, 2, set()) == [Note("version_number", {"version": "2"})]
    assert renumbered(version, 3, {3}) == [Note("version_same", {"version": "3"})]


def test_a_report_is_in_the_language_of_its_reader() -> None:
    line = Line(
        kind="machine",
        id="m",
        name="gpu",
        outcome=Outcome.LEFT_OUT,
        notes=(Note("machine_type", {"type": "modal-serverless"}),),
    )
    details = [as_json([line], lang)["lines"][0]["notes"][0]["detail"] for lang in ("en", "zh")]

    assert len(set(details)) == 2
    assert all("modal-serverless" in detail for detail in details)
    assert as_json([line], "en")["counts"]["machine"] == {"left_out": 1}
    assert set(OUTCOMES) == set(Outcome)
    assert "refused" in NOTES

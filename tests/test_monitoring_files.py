"""Rules, dashboard and pages agree: each alert is explained, each metric they name is shown."""

import json
import re
import subprocess
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its types are another package

from tests.observe.metrics_page import documented
from tests.servers.prometheus import (
    DASHBOARD,
    DEPLOY,
    PROMTOOL,
    RULES,
    needs_prometheus,
    panel_expressions,
)

ROOT = DEPLOY.parent.parent
PAGES = ("docs/alerts.md", "docs/zh/alerts.md")
OF_THE_LIBRARY = frozenset(
    {
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    }
)


def promtool(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (PROMTOOL, *arguments), cwd=folder, capture_output=True, check=False, text=True
    )


def rules() -> dict[str, Any]:
    """Return each rule by the name of its alert."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return found


def named_metrics(text: str) -> set[str]:
    """Find the metrics of processes in a text, by the names of their tables."""
    names = re.findall(r"\b(?:comfyd|process)_[a-z0-9_]+", text)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


@needs_prometheus
@pytest.mark.parametrize("name", ["prometheus.yml", "cluster.yml"])
def test_prometheus_takes_the_rules_and_the_configuration(name: str) -> None:
    folder = RULES.parent
    checked = promtool("check", "config", name, folder=folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules())} rules found" in checked.stdout


@needs_prometheus
def test_prometheus_takes_every_configuration_of_the_page(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    configurations = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(configurations) == 3
    for configuration in map(yaml.safe_load, configurations):
        for job in configuration["scrape_configs"]:
            # Debian's Prometheus is built without it; the pods are as the manifests call them.
            found = job.pop("kubernetes_sd_configs", [])
            assert found in ([], [{"role": "pod", "namespaces": {"names": ["comfyd"]}}])
        # JSON is YAML.
        (tmp_path / "prometheus.yml").write_text(json.dumps(configuration), "utf-8")
        checked = promtool("check", "config", "prometheus.yml", folder=tmp_path)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_prometheus
def test_the_arithmetic_of_the_rules(tmp_path: Path) -> None:
    tests = (ROOT / "tests" / "alerts" / "comfyd.test.yml").read_text("utf-8")
    (tmp_path / "comfyd.test.yml").write_text(tests, "utf-8")
    (tmp_path / "comfyd.rules.yml").write_text(RULES.read_text("utf-8"), "utf-8")
    tested = promtool("test", "rules", "comfyd.test.yml", folder=tmp_path)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@needs_prometheus
def test_prometheus_understands_what_the_dashboard_asks_for(tmp_path: Path) -> None:
    found = panel_expressions("5m")
    recorded = [{"record": f"panel:{n}", "expr": asked} for n, asked in enumerate(found)]
    file = tmp_path / "panels.yml"  # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": recorded}]}), "utf-8")
    checked = promtool("check", "rules", file.name, folder=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(found)} rules found" in checked.stdout


def test_every_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on() -> None:
    assert len(rules()) > 20
    for name, rule in rules().items():
        told = rule["annotations"]
        assert rule["labels"].keys() == {"severity"}, name
        assert told.keys() == {"summary", "description", "runbook_url"}, name
        assert re.fullmatch(r"\S.{20,}\.", told["summary"]), name
        assert re.fullmatch(r"\S.{40,}\.", told["description"]), name
        assert told["runbook_url"] == f"docs/alerts.md#{name.lower()}"


@pytest.mark.parametrize("page", PAGES)
def test_every_alert_is_explained_with_its_severity_and_no_other(page: str) -> None:
    told = re.findall(r"^### (\w+)\n\n`(\w+)`", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert dict(told) == {name: rule["labels"]["severity"] for name, rule in rules().items()}


@pytest.mark.parametrize("text", [RULES, DASHBOARD, *(ROOT / page for page in PAGES)])
def test_every_metric_that_is_named_is_one_that_processes_show(text: Path) -> None:
    """What they show is compared with the table by tests/e2e/operations/test_metrics.py."""
    shown = documented(ROOT / "docs" / "metrics.md").keys() | OF_THE_LIBRARY
    assert named_metrics(text.read_text("utf-8")) - shown == set()


def test_every_metric_is_seen_on_the_dashboard() -> None:
    unseen = documented(ROOT / "docs" / "metrics.md").keys() - named_metrics(
        DASHBOARD.read_text("utf-8")
    )
    # Settings, which the pages of operations explain.
    assert unseen == {"comfyd_limit", "comfyd_nats_connected", "comfyd_stream_replicas"}


def test_panels_have_places_of_their_own_and_say_what_they_show() -> None:
    panels = dashboard()["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(ids) == len(set(ids))
    for one, other in combinations(panels, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    for panel in panels:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24, panel["title"]
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert {t["datasource"]["uid"] for t in panel["targets"]} == {"${datasource}"}


def overlap(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    apart = (
        one["x"] + one["w"] <= other["x"],
        other["x"] + other["w"] <= one["x"],
        one["y"] + one["h"] <= other["y"],
        other["y"] + other["h"] <= one["y"],
    )
    return not any(apart)

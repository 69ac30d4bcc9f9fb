"""The metrics of a process, as a test reads them."""

import re
from collections.abc import Mapping
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families


class MetricsPage:
    """One scrape of one process."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = [sample for family in self.families.values() for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples that have this name and these labels."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def by(self, name: str, label: str) -> Mapping[str, float]:
        """Return the samples of a name by the value of a label."""
        return {s.labels[label]: s.value for s in self._samples if s.name == name}

    @property
    def metrics(self) -> Mapping[str, frozenset[str]]:
        """The names of all metrics of comfyd's, as queries use them, with those of their labels."""
        found: dict[str, frozenset[str]] = {}
        for family in self.families.values():
            for sample in family.samples if family.name.startswith("comfyd_") else ():
                name = family.name if family.type == "histogram" else sample.name
                found[name] = frozenset(sample.labels) - {"le"} | found.get(name, frozenset())
        return found


def documented(page: Path) -> Mapping[str, frozenset[str]]:
    """Read the table of docs/metrics.md: the names of all metrics, with those of their labels."""
    rows = re.findall(r"^\| `(comfyd_\w+)` \|([^|]*)\|", page.read_text("utf-8"), re.MULTILINE)
    return {
        name: frozenset(re.findall(r"`(\w+)`", re.sub(r"[(（].*?[)）]", "", labels)))
        for name, labels in rows
    }


async def scraped(url: str) -> MetricsPage:
    """Scrape a process at its internal address."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        answer = await http.get(f"{url}/metrics")
    assert answer.status_code == 200, answer.text
    return MetricsPage(answer.text)

"""The five packages are ours alone, and no file is named after nothing."""

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "consumers", "events", "infra", "projections")
SAYS_NOTHING = {"util", "utils", "common", "helper", "helpers", "base", "misc", "manager"}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_comes_from_this_repository(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin) == ROOT / name / "__init__.py"


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_claims_the_name_of_a_package(name: str) -> None:
    assert set(packages_distributions().get(name, ())) <= {"comfyd"}


def test_every_file_and_folder_has_a_name_that_says_something() -> None:
    files = [
        file.relative_to(ROOT) for p in (*PACKAGES, "tests") for file in (ROOT / p).rglob("*.py")
    ]
    assert len(files) > 100
    empty = [
        str(f)
        for f in files
        for part in f.with_suffix("").parts
        if SAYS_NOTHING & {*part.split("_")}
    ]
    assert empty == []

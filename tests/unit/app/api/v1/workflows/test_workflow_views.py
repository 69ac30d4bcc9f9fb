"""How a version that was just pushed is shown."""

from app.api.v1.workflows.views import pushed_version_view
from events.errors import MOST_PROBLEMS
from tests.builders.workflows import WORKFLOW


def test_of_many_warnings_the_rest_is_counted() -> None:
    graph = {
        str(n): {"class_type": "ComfyUIDeployExternalOfTomorrow", "inputs": {}}
        for n in range(MOST_PROBLEMS + 30)
    }
    view = pushed_version_view(WORKFLOW, WORKFLOW.versions[0], graph, "en")
    *named, rest = view.warnings
    assert [warning.code for warning in named] == ["external_unknown"] * MOST_PROBLEMS
    assert (rest.code, rest.detail) == ("more_problems", "and 30 more")

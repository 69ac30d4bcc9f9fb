"""Builds a workflow with four versions, of which the third has no inputs."""

from events.graph.externals.classes import InputKind
from events.graph.inputs import InputField
from events.ids import version_id
from events.workflow import Workflow, WorkflowVersionCreated
from tests.builders.facts import NOW, OTHER_ID

WORKFLOW_ID = OTHER_ID
PROMPT = InputField(
    name="prompt", kind=InputKind.TEXT, class_type="ComfyUIDeployExternalText", required=True
)
WITHOUT_PROMPT = 3
"""The version that callers of the others would notice."""


def version(number: int) -> WorkflowVersionCreated:
    """Return a version of the workflow."""
    return WorkflowVersionCreated(
        version_id=version_id(WORKFLOW_ID, number),
        version=number,
        graph_key=f"workflows/{number}.json",
        graph_sha256=str(number),
        ui_graph_key=f"workflows/{number}.ui.json",
        inputs=() if number == WITHOUT_PROMPT else (PROMPT,),
        comment="",
        author="ada",
        at=NOW,
    )


WORKFLOW = Workflow(
    id=WORKFLOW_ID,
    name="cats",
    user_id="ada",
    org_id=None,
    created_at=NOW,
    updated_at=NOW,
    versions=tuple(version(number) for number in range(1, 5)),
)

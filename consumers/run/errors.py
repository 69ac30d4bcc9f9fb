"""Why a run did not succeed, cut to what the log can keep whatever a machine says."""

from events.run.events import RunError

LONGEST_MESSAGE = 4_000
"""Characters kept of a message; a node may raise with a whole tensor in it."""

LONGEST_NAME = 200
"""Characters kept of the name of a node, a class or an input."""


def run_error(
    code: str,
    message: str,
    *,
    node_id: str = "",
    node_class: str = "",
    input_name: str = "",
    exception: str = "",
) -> RunError:
    """Make the error of a run, each part cut to size."""
    return RunError(
        code=code,
        message=cut(message),
        node_id=node_id[:LONGEST_NAME],
        node_class=node_class[:LONGEST_NAME],
        input_name=input_name[:LONGEST_NAME],
        exception=exception[:LONGEST_NAME],
    )


def cut(text: str) -> str:
    """Return the beginning of a long *text*, and how long it was."""
    if len(text) <= LONGEST_MESSAGE:
        return text
    return f"{text[:LONGEST_MESSAGE]}… ({len(text)} characters)"

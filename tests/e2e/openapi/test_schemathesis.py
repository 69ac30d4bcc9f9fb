"""Every route under thousands of requests that nobody sane would send, and many that are well made.

Schemathesis reads the description and holds every answer against it: no 5xx, no status, media type,
shape or header that is not described, no bad request taken, no unknown method without `Allow`.
"""

import json
import sys
from pathlib import Path

from tests.e2e.graphs import card
from tests.e2e.node import command
from tests.e2e.system import System
from tests.e2e.tenant import Json, Tenant, client_of

HOOKS = Path(__file__).parents[1] / "schemathesis_hooks.py"
TENANT = "asks-at-random"
EXAMPLES = 30
"""Requests for each operation and way of making them up, beside those that cover every limit."""

CONFIG = """
[checks]
# What fits the schema may still be wrong for this workflow, or at this moment.
positive_data_acceptance.expected-statuses = ["2xx", "304", "307", "400", "404", "409", "422"]
"""


async def test_no_request_gets_an_answer_that_is_not_described(
    system: System, tmp_path: Path
) -> None:
    # A tenant of its own: what is asked at random changes whatever the tenant has.
    async with client_of(system, TENANT) as http:
        tenant = Tenant(http, system.machine_url)
        run = await tenant.run(await tenant.deploy(card()))
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG, "utf-8")

    await command(
        *(Path(sys.executable).parent / "st", "--config-file", config),
        *("run", f"{system.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {system.token(TENANT)}"),
        *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
        *("--generation-deterministic", "--max-examples", str(EXAMPLES)),
        # One at a time: in Python 3.11, two threads that parse source at once break each other.
        *("--workers", "1"),
        *("--request-timeout", "120", "--continue-on-failure", "--no-color", "--warnings", "off"),
        folder=tmp_path,
        env={"SCHEMATHESIS_HOOKS": str(HOOKS), "COMFYD_TEST_IDS": json.dumps(_ids(run))},
    )


def _ids(run: Json) -> dict[str, str]:
    """Name real things, so that requests come further than to a 404."""
    names = ("workflow_id", "deployment_id", "machine_id")
    return {name: str(run[name]) for name in names} | {"run_id": str(run["id"])}

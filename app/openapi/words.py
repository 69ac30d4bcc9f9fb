"""Texts of the document that do not follow from the code."""

from collections.abc import Mapping
from typing import Any

DESCRIPTION = """\
Versioned ComfyUI workflows as a durable API: push a workflow, promote a version, run it, follow it.

- **Native** routes lie under `/v1`. Errors are `application/problem+json` (RFC 9457) with a stable
  `code`, in English or Chinese by `Accept-Language`.
- **Classic** routes lie under `/api` and speak as comfyui-deploy does.
- Send `Authorization: Bearer` with an API key (`cfd_…`) or a JWT; web pages get a ticket.
- The owner of a `comfyd up` gets a JWT from `comfyd token --days 1`; the examples of bodies are for
  its samples, and run as they are.
- In an address, `null` counts as not given.
- After a 503, a 429 or a lost connection, send the same request again with the same
  `Idempotency-Key`: there will be one run.
"""

TAGS: Mapping[str, str] = {
    "Runs": "One order to render a deployment's version with some inputs.",
    "Batches": "Many runs of one deployment under one id.",
    "Events": "All that happens to a tenant, in one stream.",
    "Workflows": "Graphs, saved as versions that never change.",
    "Deployments": "Which version an environment runs, on which machine.",
    "Machines": "Where a ComfyUI answers.",
    "Keys": "API keys and JWTs: who they stand for, what they may do, and how they are revoked.",
    "Sessions": "Who is signed in with a browser.",
    "Organisations": "Who belongs together, and who may do what.",
    "Classic": "The routes and shapes of comfyui-deploy, and its ids.",
    "Files": "What runs made, for everyone who has the address.",
    "Health": "Whether the process lives, and whether it can do its work.",
}
"""The headings, in the order in which they are shown."""

SCHEMAS: Mapping[str, str] = {
    "PlacementView": "MachineFitness",
    "Version": "RerunVersion",
}
"""Names of schemas whose types are called otherwise here than clients would understand."""

PARAMETERS: Mapping[str, str] = {
    "Accept-Language": "The language of the words in the answer: en or zh.",
    "ticket": "A ticket for just this, and no other: for web pages, which must hold no key.",
    "after": "A position: the stream begins with what came after it.",
    "at_least": "The `position` of an earlier answer: this one is not older.",
    "cursor": "The `next_cursor` of the page before.",
    "environment": "Only those of this environment.",
    "environment_name": "The environment.",
    "follow": "`false`: end where the log ends now, rather than wait for what comes.",
    "file_size": "How many bytes it has, 50 MiB at most.",
    "file": "The key of an output.",
    "force": "Do it although runs on the machine have not ended.",
    "from": "The number of the version to compare.",
    "key": "The key of an output, as its `url` has it.",
    "hours": "How many hours, this one included.",
    "limit": "How many at most.",
    "name": "Only those with this name.",
    "offset": "How many to leave out, from the first.",
    "search": "Only those with this in their name, or in their comment; capitals do not matter.",
    "since": "Only those accepted at this moment or later, with its zone.",
    "state": "Only those in this state.",
    "status": "Only those with this status.",
    "type": "Only events of these types (`run.created`) or kinds (`machine`); may be repeated.",
    "to": "The number of the version to compare it with.",
    "until": "Only those accepted before this moment.",
    "user_id": "The id of the user, as the identity provider names them.",
    "version": "The number of the version.",
    "Idempotency-Key": "1 to 255 printable characters; one key is one run, for ever.",
    "If-None-Match": "The `ETag` of an earlier answer: 304 while nothing has changed.",
    "If-Range": "The `ETag` of the part that is there already: if it differs, all is sent.",
    "Last-Event-ID": "The last id of the stream that was received; it goes on behind it.",
    "Range": "`bytes=0-499`: one part of the file; `bytes=-500`: its end.",
    "Prefer": "`wait=30`: answer when the run has ended, or after so many seconds; 55 at most.",
}
"""What parameters mean, by name; ids that are not named here need no words."""

ORGANISATION: Mapping[str, Any] = {
    "name": "Comfyd-Organisation",
    "in": "header",
    "required": False,
    "description": "The organisation to act for, by its id; the caller must be a member.",
    "schema": {"type": "string"},
}
"""What every request of a caller may carry."""

GOOD_ANSWERS: Mapping[str, str] = {
    "201": "Created.",
    "202": "Accepted; it is on disk, and the rest follows.",
    "204": "Done.",
}
"""What good answers mean, before the words for what they hold."""

MESSAGES = (
    "Messages, each with `event` and `data` (JSON), most with an `id`: a position, to resume at. "
    "docs/api.md lists the events."
)
"""What a stream consists of."""

BYTES = "The bytes of the file; `Content-Type` names its type."
"""What a file consists of."""

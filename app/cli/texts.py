"""Texts of the command line in the reader's language."""

import os

from events.messages.texts import Terms, Texts, language_of_locale
from infra.translation import translate, translate_term

TEXTS: Texts = {
    "help.section_runs": "Runs",
    "help.section_workflows": "Workflows and machines",
    "help.section_access": "Access",
    "help.section_server": "A server of your own",
    "help.main": """Serve ComfyUI workflows as a durable API.

\b
comfyd up                             start everything here and run a sample
comfyd login URL                      or use a server elsewhere
comfyd deploy graph.json --machine M  make a workflow an API
comfyd run graph -i prompt=… --watch  run it
comfyd api|worker|projector           start one part, for many machines
comfyd doctor                         find what is wrong, with its fix

docs/cli.md explains every command; docs/settings.md every setting.""",
    "help.up_long": """Start everything on this machine, deploy a sample, run it once, and stay up.

\b
COMFYD_PORT=3000           where the API answers
COMFYD_PLUGIN_PORT=3011    where comfyui-deploy's plugin, in its local mode, finds it as well
COMFYD_DATA=.comfyd        where all data is kept
COMFYUI_URL=http://…:8188  a real ComfyUI instead of the demo machine
NATS_URL, POSTGRES_URL, SPACES_…  servers of your own instead of the embedded ones""",
    "cli.no_login": (
        "no server is known: run `comfyd login URL`, set COMFYD_URL and COMFYD_KEY, or `comfyd up`"
    ),
    "cli.no_key": (
        "no key for {url} is known: add --key or set COMFYD_KEY, or run `comfyd login {url}`"
    ),
    "cli.bad_key": "this is not an API key: it has characters that keys do not have",
    "cli.bad_url": "this is not an address: {reason}",
    "cli.not_comfyd": "this does not look like a comfyd server: {url} (it answered: {found})",
    "cli.not_comfyui_deploy": "this is not the database of a comfyui-deploy: {reason}",
    "cli.source_refused": "the database refuses the sign-in: {reason}",
    "cli.other_secret": (
        "the server does not take tokens that this JWT_SECRET signs: set the one that it has"
    ),
    "cli.source_away": "the database cannot be read: {reason}",
    "cli.away": "the server at {url} cannot be reached: {reason}",
    "cli.logged_out": "logged out",
    "cli.not_logged_in": "there was no login",
    "cli.no_workflow": "there is no workflow '{name}'",
    "cli.machine_unnamed": (
        "there are {count} machines: name the one whose ComfyUI opens it with --machine "
        "(`comfyd machine list` shows them)"
    ),
    "cli.no_machine": "there is no machine '{name}'",
    "cli.no_deployment": (
        "there is no deployment '{name}': give its id, WORKFLOW or WORKFLOW/ENVIRONMENT"
    ),
    "cli.no_machines": (
        "no machine is registered: register one with `comfyd machine add NAME URL`, and choose it "
        "with --machine NAME"
    ),
    "cli.machine_missing": (
        "{name} has no machine in {environment} yet: choose one with {choices}"
    ),
    "cli.no_file": "{file} cannot be read: {reason}",
    "cli.reason_missing": "No such file or directory",
    "cli.reason_forbidden": "Permission denied",
    "cli.reason_folder": "Is a directory",
    "cli.no_json": "{file} is not the JSON that is expected here: {reason}",
    "cli.no_graph": (
        "{file} does not contain a ComfyUI graph, in API format or in the editor's format"
    ),
    "cli.no_graph_in_picture": (
        "{file} is a picture without a workflow: ComfyUI adds it, and many sites remove it"
    ),
    "cli.input_not_finite": (
        "{file}: node {node} has an input that is NaN or infinite, which no server accepts"
    ),
    "cli.bad_input": "'{text}' is not an input: write NAME=TEXT, NAME=@FILE or NAME:=JSON",
    "cli.cancel_asked": "{run_id}: {status}, asked to stop",
    "cli.rerun_without_choice": "choose the runs: an id, or --status, --deployment or --since",
    "cli.rerun_id_with_choice": "a run id cannot be combined with {options}: leave out one of them",
    "cli.rerun_inputs_without_id": (
        "-i/--input needs a run id: reruns by a filter keep their inputs"
    ),
    "cli.rerun_dry_watch": "--dry-run creates no run to watch: leave out --watch, or --dry-run",
    "cli.erase_asked": "{run_id}: its data is being erased",
    "cli.client_clock": "{seconds} s apart from the server's",
    "cli.client_clock.fix": "let NTP set the clock",
    "cli.client_files": "{url} cannot be read: {reason}",
    "cli.client_files.fix": (
        "SPACES_ENDPOINT_CDN of the server must lead to the bucket from everywhere"
    ),
    "cli.check.log": "log (NATS)",
    "cli.check.streams": "streams of the log",
    "cli.check.cluster": "cluster of the log",
    "cli.check.disk": "disk of the servers",
    "cli.check.projector": "projector",
    "cli.check.workers": "workers",
    "cli.check.given-up_work": "work that was given up",
    "cli.check.runs": "your open runs",
    "cli.check.clock": "clocks of server and log",
    "cli.check.postgres": "read models (Postgres)",
    "cli.check.storage": "object storage (write, public read, CORS)",
    "cli.check.machines": "machines",
    "cli.check.clock_here": "clocks of server and this computer",
    "cli.check.files_from_here": "files, read from this computer",
    "failed": "the run ended as {status}: {reason}",
    "ended": "the run ended as {status}",
    "takes_checkpoint": "it has a checkpoint, so the sample is '{name}', with {checkpoint}",
    "next_checkpoint": "'{name}' with the next checkpoint, {checkpoint}",
    "takes_no_checkpoint": (
        "no checkpoint that was tried loads, so the sample is '{name}', which needs none"
    ),
    "no_checkpoint": "it has no checkpoint, so the sample is '{name}', which needs none",
}
"""Texts that are chosen by a code, as those of refusals; all others stand where they are used."""

HEADINGS: Terms = (
    "action",
    "at",
    "attempt",
    "author",
    "batch",
    "by",
    "changes",
    "class",
    "comment",
    "created",
    "deployment",
    "devices",
    "duration",
    "environment",
    "erased",
    "error",
    "id",
    "inputs",
    "kind",
    "last used",
    "machine",
    "models",
    "name",
    "node",
    "notes",
    "observed",
    "outcome",
    "prefix",
    "promoted",
    "reasons",
    "rerun of",
    "role",
    "runs",
    "scopes",
    "seconds",
    "state",
    "status",
    "tenant",
    "token",
    "total",
    "url",
    "user_id",
    "version",
    "waits for",
    "what",
    "why",
    "workflow",
)
"""Headings of tables and names of fields."""


def language() -> str:
    """Return the language of the locale variables: en or zh."""
    return language_of_locale(os.environ)


def tr(text: str, /, **params: object) -> str:
    """Return an English text in the reader's language."""
    return translate(text, language(), params)


def message(code: str, /, **params: object) -> str:
    """Return the text of a code in the reader's language."""
    return tr(TEXTS[code], **params)


def heading(name: str) -> str:
    """Return the heading of a column or the name of a field."""
    return translate_term(name, language()) if name in HEADINGS else name

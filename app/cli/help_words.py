"""What --help says, in English and Chinese."""

from app.cli.help_words_deploy import DEPLOYING
from events.texts import Texts

HELP: Texts = {
    **DEPLOYING,
    "help.section_runs": "Runs",
    "help.section_workflows": "Workflows and machines",
    "help.section_access": "Access",
    "help.section_server": "A server of your own",
    "help.section_others": "Others",
    "help.main": """Serve ComfyUI workflows as a durable API.

\b
comfyd up                             start everything here and run a sample
comfyd login URL                      or use a server elsewhere
comfyd deploy graph.json --machine M  make a workflow an API
comfyd run graph -i prompt=… --watch  run it
comfyd api|worker|projector           start one part, for many machines
comfyd doctor                         find what is wrong, with its fix

docs/cli.md explains every command; docs/operations.md every setting.""",
    "help.up_long": """Start everything on this machine, deploy a sample, run it once, and stay up.

\b
COMFYD_PORT=3000           where the API answers
COMFYD_DATA=.comfyd        where all data is kept
COMFYUI_URL=http://…:8188  a real ComfyUI instead of the demo machine
NATS_URL, POSTGRES_URL, SPACES_…  servers of your own instead of the embedded ones""",
    "help.token_user": "Claim user_id.",
    "help.token_org": "Claim org_id: act for an organisation.",
    "help.token_days": "Days until it expires.",
    "help.replicas": (
        "Copies of each stream. Else COMFYD_REPLICAS counts; without both they stay as they are."
    ),
    "help.lower": "A setting of streams that may be lowered: fewer copies, or less that is kept.",
    "help.migrate_dry_run": (
        "Show what would change, and change nothing. Exit code 1: something would."
    ),
    "help.limit": "Maximum number.",
    "help.up": "Start everything on this machine, run a sample once, and stay up.",
    "help.token": "Print an API token for the local owner. Without --days it does not expire.",
    "help.api": "Serve the API. Start as many as you like behind a load balancer.",
    "help.worker": (
        "Bring runs to their machines and outputs to object storage. Start as many as you like."
    ),
    "help.projector": "Keep the read models up to date with the log. A second one is a standby.",
    "help.projections": (
        "Maintain the read models: rebuild, status. Finds a running `comfyd up` by itself."
    ),
    "help.projections_rebuild": (
        "Replay the log into new tables, compare them with the live ones, and swap them in."
    ),
    "help.projections_status": (
        "Show how far the read models are, and which aggregates are in quarantine."
    ),
    "help.migrate": "Create the streams and tables, or bring them up to date.",
    "help.backup": (
        "Write the log and the private data beside it into FOLDER, while everything runs."
    ),
    "help.restore": (
        "Restore the log and the private data from the backup in FOLDER. Stop everything first."
    ),
    "help.restore_replicas": (
        "Copies of each stream. Else COMFYD_REPLICAS counts; without both 3 in a cluster, else 1."
    ),
    "help.restore_replace": "Delete the streams that are there first, with all they hold.",
    "help.restore_only_erase": "Restore nothing; delete again what the log says is erased.",
    "help.analyst": ("Print a NATS address that can only read the event log."),
    "help.analyst_config": "Print the configuration that a NATS of your own needs for it.",
    "help.server": "Which server, instead of the one logged in to.",
    "help.key": "API key for it.",
    "help.json": "Print JSON, as the API returns it.",
    "help.login": "Log in to a server: check an API key and store it for later commands.",
    "help.login_key": "API key; asked for when it is missing.",
    "help.logout": "Delete the stored login.",
    "help.whoami": "Show who you are logged in as.",
    "help.run": "Create a run of DEPLOYMENT (id, WORKFLOW or WORKFLOW/ENVIRONMENT).",
    "help.input": "NAME=TEXT, NAME=@PICTURE or NAME:=JSON; may be repeated.",
    "help.inputs": "JSON object with inputs; - for stdin.",
    "help.watch": "Stay until the end, with a progress bar.",
    "help.preview": "Show images in the terminal.",
    "help.idempotency_key": "The same key again is the same run.",
    "help.status": "Show a run or a batch.",
    "help.runs": "List runs, newest first.",
    "help.runs_status": "Only those with this status.",
    "help.runs_deployment": "Only those of this deployment.",
    "help.runs_batch": "Only those of this batch.",
    "help.timeline": "Show what happened to a run, and why.",
    "help.events": "Print the events of a run.",
    "help.follow": "Continue with new events and progress.",
    "help.after": "Only what came after this position.",
    "help.cancel": "Ask to stop runs or batches.",
    "help.rerun": "Run again: RUN_ID, or all that a filter finds.",
    "help.rerun_status": "Those with this status.",
    "help.since": "Those made after this time (RFC 3339).",
    "help.rerun_version": "same: the version they ran; current: what the deployment runs now.",
    "help.dry_run": "Only show how many.",
    "help.erase": "Erase inputs and outputs of runs; numbers stay.",
    "help.batch": "Create a run of DEPLOYMENT for each line of FILE (JSON objects; - for stdin).",
    "help.keys": "API keys.",
    "help.keys_create": "Issue a key; it is shown once.",
    "help.scope": "What it may do; may be repeated.",
    "help.keys_deployment": "Only for this deployment; may be repeated.",
    "help.expires": "When it ends (RFC 3339).",
    "help.keys_list": "List keys.",
    "help.keys_revoke": "Revoke keys: every process refuses them within a second.",
    "help.doctor": "Check the server's parts, its clock and its machines; each fault with its fix.",
    "help.completion": "Print the completion for a shell: bash, zsh or fish.",
}

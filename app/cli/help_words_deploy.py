"""What --help says of machines, workflows and deployments, in English and Chinese."""

from events.texts import Texts

DEPLOYING: Texts = {
    "help.machine": "Machines: the ComfyUIs that render.",
    "help.machine_add": "Register the ComfyUI at URL; the same NAME again moves it.",
    "help.machine_token": "Token that the machine wants from us; kept sealed.",
    "help.machine_header": (
        "Another header that the machine wants from us, such as X-API-Key:abc; kept sealed."
    ),
    "help.machine_comfy_key": "Key of an account at comfy.org for its partner nodes; kept sealed.",
    "help.machine_header_set": (
        "Change the header of a machine, such as X-API-Key; an empty value removes it."
    ),
    "help.machine_header_value": "Value of the header; kept sealed.",
    "help.machine_comfy_key_set": (
        "Change the account for the partner nodes of a machine; an empty key removes it."
    ),
    "help.machine_list": "List machines.",
    "help.machine_show": "Show a machine and what it can do.",
    "help.machine_rename": "Rename a machine.",
    "help.machine_token_set": "Change the token of a machine; an empty one removes it.",
    "help.machine_drain": "Drain a machine: it finishes its runs; new runs wait.",
    "help.machine_resume": "Resume a machine.",
    "help.machine_disable": "Disable a machine.",
    "help.machine_refresh": "Ask a worker to inspect a machine again.",
    "help.machine_remove": "Remove a machine.",
    "help.machine_force": "Even if runs are open on it.",
    "help.machine_history": "Show the history of a machine.",
    "help.workflow": "Workflows: graphs, saved as versions.",
    "help.workflow_push": "Save FILE (either format of ComfyUI) as the next version.",
    "help.workflow_name": "Name of the workflow; else the file's.",
    "help.workflow_ui": "The same graph in the editor's format.",
    "help.workflow_machine": "Machine whose nodes are used to convert the editor's format.",
    "help.comment": "A comment for the history.",
    "help.workflow_list": "List workflows, or the versions of one.",
    "help.workflow_diff": "Compare two versions.",
    "help.workflow_machines": "Show which machines can run a version, and why others cannot.",
    "help.deploy": "Push FILE and promote it to an environment, in one step.",
    "help.to": "production, staging or public-share.",
    "help.deploy_machine": "Machine it runs on; needed the first time.",
    "help.force": "Even if callers of the present version would break.",
    "help.promote": "Promote VERSION of the workflow NAME to an environment.",
    "help.rollback": (
        "Roll back DEPLOYMENT (id, WORKFLOW or WORKFLOW/ENVIRONMENT) to an earlier version."
    ),
    "help.rollback_version": "Which earlier version.",
    "help.deployments": "List deployments, or the history of one.",
}

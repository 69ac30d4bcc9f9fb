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
        "Give a machine another header, such as X-API-Key; an empty value removes it."
    ),
    "help.machine_header_value": "Value of the header; kept sealed.",
    "help.machine_comfy_key_set": (
        "Give the partner nodes of a machine another account; an empty key removes it."
    ),
    "help.machine_list": "List machines.",
    "help.machine_show": "Show a machine and what it can do.",
    "help.machine_rename": "Give a machine another name.",
    "help.machine_token_set": "Give a machine another token; an empty one removes it.",
    "help.machine_drain": "Let a machine finish what it has; new runs wait.",
    "help.machine_resume": "Let a machine work again.",
    "help.machine_disable": "Take a machine out of service.",
    "help.machine_refresh": "Have a worker look again at what a machine can do.",
    "help.machine_remove": "Remove a machine.",
    "help.machine_force": "Even if runs are left on it.",
    "help.machine_history": "Tell what happened to a machine.",
    "help.workflow": "Workflows: graphs, saved as versions.",
    "help.workflow_push": "Save FILE (either format of ComfyUI) as the next version.",
    "help.workflow_name": "Name of the workflow; else the file's.",
    "help.workflow_ui": "The same graph in the editor's format.",
    "help.workflow_machine": "Machine whose nodes tell how to convert the editor's format.",
    "help.comment": "A word on it, for the history.",
    "help.workflow_list": "List workflows, or the versions of one.",
    "help.workflow_diff": "Compare two versions.",
    "help.workflow_machines": "Tell which machines can run a version, and why not.",
    "help.deploy": "Push FILE and let an environment run it, in one step.",
    "help.to": "production, staging or public-share.",
    "help.deploy_machine": "Machine it runs on; needed the first time.",
    "help.force": "Even if callers of the present version would break.",
    "help.promote": "Let an environment run VERSION of the workflow NAME.",
    "help.rollback": "Let DEPLOYMENT (id, WORKFLOW or WORKFLOW/ENVIRONMENT) run what ran before.",
    "help.rollback_version": "Which of the earlier versions.",
    "help.deployments": "List deployments, or the history of one.",
}

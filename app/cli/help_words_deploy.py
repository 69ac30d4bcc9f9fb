"""What --help says of machines, workflows and deployments, in English and Chinese."""

from events.words import Phrases

DEPLOYING: Phrases = {
    "help.machine": ("Machines: the ComfyUIs that render.", "机器：负责渲染的 ComfyUI。"),
    "help.machine_add": (
        "Register the ComfyUI at URL; the same NAME again moves it.",
        "登记位于 URL 的 ComfyUI；同名再次登记即为迁移。",
    ),
    "help.machine_token": (
        "Token that the machine wants from us; kept sealed.",
        "访问该机器所需的令牌；加密保存。",
    ),
    "help.machine_header": (
        "Another header that the machine wants from us, such as X-API-Key:abc; kept sealed.",
        "访问该机器所需的其他请求头，例如 X-API-Key:abc；加密保存。",
    ),
    "help.machine_comfy_key": (
        "Key of an account at comfy.org for its partner nodes; kept sealed.",
        "合作节点使用的 comfy.org 账户密钥；加密保存。",
    ),
    "help.machine_header_set": (
        "Give a machine another header, such as X-API-Key; an empty value removes it.",
        "更换机器的请求头，例如 X-API-Key；值留空则删除。",
    ),
    "help.machine_header_value": ("Value of the header; kept sealed.", "请求头的值；加密保存。"),
    "help.machine_comfy_key_set": (
        "Give the partner nodes of a machine another account; an empty key removes it.",
        "更换机器上合作节点的账户；密钥留空则删除。",
    ),
    "help.machine_list": ("List machines.", "列出机器。"),
    "help.machine_show": ("Show a machine and what it can do.", "显示机器及其能力。"),
    "help.machine_rename": ("Give a machine another name.", "重命名机器。"),
    "help.machine_token_set": (
        "Give a machine another token; an empty one removes it.",
        "更换机器的令牌；留空则删除。",
    ),
    "help.machine_drain": (
        "Let a machine finish what it has; new runs wait.",
        "让机器完成手头的运行；新的运行等待。",
    ),
    "help.machine_resume": ("Let a machine work again.", "让机器恢复工作。"),
    "help.machine_disable": ("Take a machine out of service.", "停用机器。"),
    "help.machine_refresh": (
        "Have a worker look again at what a machine can do.",
        "让工作进程重新检查机器的能力。",
    ),
    "help.machine_remove": ("Remove a machine.", "移除机器。"),
    "help.machine_force": ("Even if runs are left on it.", "即使其上还有运行。"),
    "help.machine_history": ("Tell what happened to a machine.", "显示机器的历史。"),
    "help.workflow": ("Workflows: graphs, saved as versions.", "工作流：按版本保存的图。"),
    "help.workflow_push": (
        "Save FILE (either format of ComfyUI) as the next version.",
        "将 FILE（ComfyUI 的任一格式）保存为下一个版本。",
    ),
    "help.workflow_name": ("Name of the workflow; else the file's.", "工作流名称；默认取文件名。"),
    "help.workflow_ui": (
        "The same graph in the editor's format.",
        "同一张图的编辑器格式文件。",
    ),
    "help.workflow_machine": (
        "Machine whose nodes tell how to convert the editor's format.",
        "转换编辑器格式时参照其节点的机器。",
    ),
    "help.comment": ("A word on it, for the history.", "写入历史的说明。"),
    "help.workflow_list": (
        "List workflows, or the versions of one.",
        "列出工作流，或某个工作流的版本。",
    ),
    "help.workflow_diff": ("Compare two versions.", "比较两个版本。"),
    "help.workflow_machines": (
        "Tell which machines can run a version, and why not.",
        "显示哪些机器能运行某个版本，以及不能运行的原因。",
    ),
    "help.deploy": (
        "Push FILE and let an environment run it, in one step.",
        "一步完成：保存 FILE 并让某个环境运行它。",
    ),
    "help.to": ("production, staging or public-share.", "production、staging 或 public-share。"),
    "help.deploy_machine": (
        "Machine it runs on; needed the first time.",
        "运行所用的机器；首次部署时必须给出。",
    ),
    "help.force": (
        "Even if callers of the present version would break.",
        "即使会破坏现有版本的调用方。",
    ),
    "help.promote": (
        "Let an environment run VERSION of the workflow NAME.",
        "让某个环境运行工作流 NAME 的第 VERSION 版。",
    ),
    "help.rollback": (
        "Let DEPLOYMENT (id, WORKFLOW or WORKFLOW/ENVIRONMENT) run what ran before.",
        "让部署（ID、工作流名，或 工作流名/环境）回到之前运行的版本。",
    ),
    "help.rollback_version": ("Which of the earlier versions.", "回到之前的哪个版本。"),
    "help.deployments": (
        "List deployments, or the history of one.",
        "列出部署，或某个部署的历史。",
    ),
}

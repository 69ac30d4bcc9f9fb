"""What the remote commands say to people, in English and Chinese."""

from collections.abc import Mapping

SAID: Mapping[str, tuple[str, str]] = {
    "cli.no_login": (
        "no server is known: run `comfyd login URL`, set COMFYD_URL and COMFYD_KEY, or `comfyd up`",
        "还没有服务器：请运行 `comfyd login URL`，设置 COMFYD_URL 和 COMFYD_KEY，或 `comfyd up`",
    ),
    "cli.bad_url": ("that is no address: {reason}", "这不是有效的地址：{reason}"),
    "cli.away": (
        "the server cannot be reached: {reason}",
        "无法连接服务器：{reason}",
    ),
    "cli.key_prompt": ("API key", "API 密钥"),
    "cli.logged_in": (
        "logged in to {url} as {who}; kept in {file}",
        "已登录 {url}，身份为 {who}；保存在 {file}",
    ),
    "cli.logged_out": ("logged out", "已退出登录"),
    "cli.not_logged_in": ("there was no login", "之前没有登录"),
    "cli.no_workflow": ("there is no workflow '{name}'", "没有名为“{name}”的工作流"),
    "cli.no_machine": ("there is no machine '{name}'", "没有名为“{name}”的机器"),
    "cli.no_deployment": (
        "there is no deployment '{name}': give its id, WORKFLOW or WORKFLOW/ENVIRONMENT",
        "没有部署“{name}”：请给出其 ID、工作流名，或 工作流名/环境",
    ),
    "cli.no_file": ("{file} cannot be read: {reason}", "无法读取 {file}：{reason}"),
    "cli.no_json": ("{file} holds no such JSON: {reason}", "{file} 不是所需的 JSON：{reason}"),
    "cli.bad_input": (
        "'{text}' is no input: write NAME=TEXT, NAME=@FILE or NAME:=JSON",
        "“{text}”不是有效的输入：请写成 名称=文本、名称=@文件 或 名称:=JSON",
    ),
    "cli.no_machines": ("no machines yet", "还没有机器"),
    "cli.no_workflows": ("no workflows yet", "还没有工作流"),
    "cli.no_deployments": ("no deployments yet", "还没有部署"),
    "cli.no_runs": ("no such runs", "没有符合条件的运行"),
    "cli.no_keys": ("no keys yet", "还没有密钥"),
    "cli.nothing": ("nothing yet", "还没有内容"),
    "cli.token_set": ("set", "已设置"),
    "cli.required": ("(required)", "（必填）"),
    "cli.yes": ("can run it", "可以运行"),
    "cli.no": ("cannot", "不能运行"),
    "cli.refresh_asked": ("a worker will look at {name} again", "工作进程会重新检查 {name}"),
    "cli.machine_removed": ("removed {name}", "已移除 {name}"),
    "cli.pushed": ("{name} version {version}", "{name} 第 {version} 版"),
    "cli.identical": ("the versions are identical", "两个版本完全相同"),
    "cli.deployed": (
        "{name}/{environment} runs version {version}: deployment {id}",
        "{name}/{environment} 现在运行第 {version} 版：部署 {id}",
    ),
    "cli.submitted": ("submitted run {run_id}", "已提交运行 {run_id}"),
    "cli.waiting": ("it waits: {reason}", "正在等待：{reason}"),
    "cli.cancel_asked": ("{run_id}: {status}, asked to stop", "{run_id}：{status}，已请求停止"),
    "cli.rerun_what": (
        "say which: a run's id, or --status, --deployment or --since",
        "请指明要重跑哪些：运行的 ID，或 --status、--deployment、--since",
    ),
    "cli.would_rerun": ("{total} runs would be made again", "将重跑 {total} 个运行"),
    "cli.rerunning": ("{total} runs again, as batch {id}", "正在重跑 {total} 个运行，批次 {id}"),
    "cli.erase_sure": (
        "Inputs and outputs will be gone for ever. Go on?",
        "输入和输出将被永久删除。继续吗？",
    ),
    "cli.erase_asked": ("{run_id}: its data is being erased", "{run_id}：正在删除其数据"),
    "cli.key_once": (
        "keep it now: it is not shown again",
        "请立即保存：此密钥不会再次显示",
    ),
    "cli.key_revoked": ("revoked {key_id}", "已吊销 {key_id}"),
    "cli.client_clock": ("{seconds} s apart from the server's", "与服务器相差 {seconds} 秒"),
    "cli.client_clock.fix": ("let NTP set the clock", "让 NTP 同步时钟"),
    "cli.client_files": ("{url} cannot be read: {reason}", "无法读取 {url}：{reason}"),
    "cli.client_files.fix": (
        "SPACES_ENDPOINT_CDN of the server must lead to the bucket from everywhere",
        "服务器的 SPACES_ENDPOINT_CDN 必须能从任何地方访问存储桶",
    ),
    "cli.doctor_ok": ("everything is well", "一切正常"),
    "cli.doctor_bad": ("{count} of {total} need care", "{total} 项中有 {count} 项需要处理"),
    "cli.doctor_fix": ("fix: {fix}", "处理办法：{fix}"),
}

HELP: Mapping[str, tuple[str, str]] = {
    "help.section_runs": ("Runs", "运行"),
    "help.section_workflows": ("Workflows and machines", "工作流与机器"),
    "help.section_access": ("Access", "访问"),
    "help.section_server": ("A server of your own", "自己的服务器"),
    "help.section_others": ("Others", "其他"),
    "help.up": (
        "Start everything on this machine, run a sample once, and stay up.",
        "在本机启动全部服务，运行一次示例，并保持运行。",
    ),
    "help.token": (
        "Print an API token for the local owner. Without --days it does not expire.",
        "输出本机所有者的 API 令牌；不给 --days 则永不过期。",
    ),
    "help.api": (
        "Serve the API. Start as many as you like behind a load balancer.",
        "提供 API 服务。可在负载均衡之后启动任意多个。",
    ),
    "help.worker": (
        "Bring runs to their machines and outputs to object storage. Start as many as you like.",
        "把运行送到机器，把输出存入对象存储。可启动任意多个。",
    ),
    "help.projector": (
        "Keep the read models up with the log. A second one stands by without harm.",
        "让读模型跟上日志。再启动一个作为备用也无妨。",
    ),
    "help.projections": (
        "Look after the read models: rebuild, status. Finds a running `comfyd up` by itself.",
        "维护读模型：rebuild、status。会自动找到正在运行的 `comfyd up`。",
    ),
    "help.migrate": (
        "Create the streams and tables, or bring them up to date.",
        "创建或更新流和数据表。",
    ),
    "help.server": ("Which server, instead of the one logged in to.", "服务器地址，代替已登录的。"),
    "help.key": ("API key for it.", "该服务器的 API 密钥。"),
    "help.json": ("Print JSON, as the API gives it.", "按 API 原样输出 JSON。"),
    "help.login": (
        "Log in to a server: try an API key and keep it for the commands to come.",
        "登录服务器：验证 API 密钥并保存，供之后的命令使用。",
    ),
    "help.login_key": ("API key; asked for when it is missing.", "API 密钥；未给出时会询问。"),
    "help.logout": ("Forget the login.", "清除登录信息。"),
    "help.whoami": ("Tell who the server takes you for.", "显示服务器认定的身份。"),
    "help.machine": ("Machines: the ComfyUIs that render.", "机器：负责渲染的 ComfyUI。"),
    "help.machine_add": (
        "Register the ComfyUI at URL; the same NAME again moves it.",
        "登记位于 URL 的 ComfyUI；同名再次登记即为迁移。",
    ),
    "help.machine_token": (
        "Token that the machine wants from us; kept sealed.",
        "访问该机器所需的令牌；加密保存。",
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
    "help.run": (
        "Make a run of DEPLOYMENT (id, WORKFLOW or WORKFLOW/ENVIRONMENT).",
        "对部署（ID、工作流名，或 工作流名/环境）发起一次运行。",
    ),
    "help.input": (
        "NAME=TEXT, NAME=@PICTURE or NAME:=JSON; may be repeated.",
        "名称=文本、名称=@图片 或 名称:=JSON；可重复。",
    ),
    "help.inputs": (
        "JSON object with inputs; - for stdin.",
        "含输入的 JSON 对象文件；- 表示标准输入。",
    ),
    "help.watch": ("Stay until the end, with a progress bar.", "显示进度条，直到结束。"),
    "help.preview": ("Show images in the terminal.", "在终端中显示图片。"),
    "help.idempotency_key": ("The same key again is the same run.", "同一个键只对应同一次运行。"),
    "help.status": ("Show a run.", "显示一个运行。"),
    "help.runs": ("List runs, newest first.", "列出运行，最新的在前。"),
    "help.runs_status": ("Only those with this status.", "只列出此状态的运行。"),
    "help.runs_deployment": ("Only those of this deployment.", "只列出此部署的运行。"),
    "help.runs_batch": ("Only those of this batch.", "只列出此批次的运行。"),
    "help.timeline": (
        "Tell what happened to a run, and why.",
        "说明一个运行经历了什么，以及原因。",
    ),
    "help.events": ("Print the events of a run.", "输出一个运行的事件。"),
    "help.follow": ("Go on as they happen, with progress.", "持续输出新事件和进度。"),
    "help.after": ("Only what came after this position.", "只输出此位置之后的内容。"),
    "help.cancel": ("Ask to stop runs.", "请求停止运行。"),
    "help.rerun": (
        "Run again: RUN_ID, or all that a filter finds.",
        "重新运行：指定的 RUN_ID，或筛选出的全部运行。",
    ),
    "help.rerun_status": ("Those with this status.", "此状态的运行。"),
    "help.since": ("Those made after this time (RFC 3339).", "此时间之后的运行（RFC 3339）。"),
    "help.rerun_version": (
        "same: the version they ran; current: what the deployment runs now.",
        "same：当时的版本；current：部署现在的版本。",
    ),
    "help.dry_run": ("Only tell how many.", "只显示数量。"),
    "help.erase": (
        "Erase inputs and outputs of runs; numbers stay.",
        "删除运行的输入和输出；统计数字保留。",
    ),
    "help.batch": (
        "Make a run of DEPLOYMENT for each line of FILE (JSON objects; - for stdin).",
        "对 FILE 的每一行（JSON 对象；- 表示标准输入）各发起一次运行。",
    ),
    "help.keys": ("API keys.", "API 密钥。"),
    "help.keys_create": ("Issue a key; it is shown once.", "签发密钥；只显示一次。"),
    "help.scope": ("What it may do; may be repeated.", "权限；可重复。"),
    "help.keys_deployment": ("Only for this deployment; may be repeated.", "仅限此部署；可重复。"),
    "help.expires": ("When it ends (RFC 3339).", "失效时间（RFC 3339）。"),
    "help.keys_list": ("List keys.", "列出密钥。"),
    "help.keys_revoke": (
        "Revoke keys: every process refuses them within a second.",
        "吊销密钥：所有进程在一秒内拒绝它。",
    ),
    "help.doctor": (
        "Check the server's parts, its clock and its machines; each fault with its fix.",
        "检查服务器各部分、时钟和机器；每个问题都附有处理办法。",
    ),
    "help.completion": (
        "Print the completion for a shell: bash, zsh or fish.",
        "输出命令补全脚本：bash、zsh 或 fish。",
    ),
}

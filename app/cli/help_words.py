"""What --help says, in English and Chinese."""

from app.cli.help_words_deploy import DEPLOYING
from events.words import Phrases

HELP: Phrases = {
    **DEPLOYING,
    "help.section_runs": ("Runs", "运行"),
    "help.section_workflows": ("Workflows and machines", "工作流与机器"),
    "help.section_access": ("Access", "访问"),
    "help.section_server": ("A server of your own", "自己的服务器"),
    "help.section_others": ("Others", "其他"),
    "help.main": (
        """Serve ComfyUI workflows as a durable API.

\b
comfyd up                             start everything here and run a sample
comfyd login URL                      or use a server elsewhere
comfyd deploy graph.json --machine M  make a workflow an API
comfyd run graph -i prompt=… --watch  run it
comfyd api|worker|projector           start one part, for many machines
comfyd doctor                         find what is wrong, with its fix

docs/cli.md explains every command; docs/operations.md every setting.""",
        """把 ComfyUI 工作流变成可靠的 API。

\b
comfyd up                             在本机启动全部服务，并运行一个示例
comfyd login URL                      或使用别处的服务器
comfyd deploy graph.json --machine M  把工作流变成 API
comfyd run graph -i prompt=… --watch  运行它
comfyd api|worker|projector           多机部署时单独启动一个部分
comfyd doctor                         查找问题，并给出处理办法

全部命令见 docs/cli.md，全部设置见 docs/operations.md。""",
    ),
    "help.up_long": (
        """Start everything on this machine, deploy a sample, run it once, and stay up.

\b
COMFYD_PORT=3000           where the API answers
COMFYD_DATA=.comfyd        where all data is kept
COMFYUI_URL=http://…:8188  a real ComfyUI instead of the stand-in
NATS_URL, POSTGRES_URL, SPACES_…  servers of your own instead of the embedded ones""",
        """在本机启动全部服务，部署并运行一次示例，然后保持运行。

\b
COMFYD_PORT=3000           API 监听的端口
COMFYD_DATA=.comfyd        存放全部数据的文件夹
COMFYUI_URL=http://…:8188  使用真正的 ComfyUI，而不是替身
NATS_URL、POSTGRES_URL、SPACES_…  使用您自己的服务器，而不是内嵌的""",
    ),
    "help.token_user": ("Claim user_id.", "令牌中的 user_id。"),
    "help.token_org": (
        "Claim org_id: act for an organisation.",
        "令牌中的 org_id：代表某个组织。",
    ),
    "help.token_days": ("Valid for so many days.", "有效天数。"),
    "help.replicas": (
        "Copies of each stream. Else COMFYD_REPLICAS counts; without both they stay as they are.",
        "每个流的副本数。未给出时以 COMFYD_REPLICAS 为准；两者都没有则保持不变。",
    ),
    "help.lower": (
        "A setting of streams that may be lowered: fewer copies, or less that is kept.",
        "允许降低的流设置：更少的副本，或保留更少的内容。",
    ),
    "help.migrate_dry_run": (
        "Show what would change, and change nothing. Exit code 1: something would.",
        "只显示将要更改的内容，不做更改。退出码 1：有内容需要更改。",
    ),
    "help.limit": ("At most so many.", "最多多少个。"),
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
    "help.projections_rebuild": (
        "Replay the log into new tables, compare them with the live ones, and swap them in.",
        "把日志重放到新的数据表，与现有的表比较，然后替换。",
    ),
    "help.projections_status": (
        "Show how far the read models are, and which aggregates are in quarantine.",
        "显示读模型的进度，以及被隔离的聚合。",
    ),
    "help.migrate": (
        "Create the streams and tables, or bring them up to date.",
        "创建或更新流和数据表。",
    ),
    "help.backup": (
        "Write the log and the private data beside it into FOLDER, while everything runs.",
        "在系统运行时，把日志及其旁边的私有数据写入 FOLDER。",
    ),
    "help.restore": (
        "Make the log and the private data anew from the backup in FOLDER. Stop everything first.",
        "用 FOLDER 中的备份重建日志和私有数据。请先停止全部进程。",
    ),
    "help.restore_replicas": (
        "Copies of each stream. Else COMFYD_REPLICAS counts; without both 3 in a cluster, else 1.",
        "每个流的副本数。未给出时以 COMFYD_REPLICAS 为准；两者都没有则集群为 3，否则为 1。",
    ),
    "help.restore_replace": (
        "Delete the streams that are there first, with all they hold.",
        "先删除现有的流及其全部内容。",
    ),
    "help.restore_only_erase": (
        "Restore nothing; delete again what the log says is erased.",
        "不恢复任何内容；只再次删除日志中记为已抹除的数据。",
    ),
    "help.analyst": (
        "Print the NATS address of those who may read the event log and do nothing else.",
        "输出只能读取事件日志、不能做其他任何事的 NATS 地址。",
    ),
    "help.analyst_config": (
        "Print what a NATS of your own needs for it in its configuration.",
        "输出您自己的 NATS 为此所需的配置。",
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
    "help.status": ("Show a run or a batch.", "显示一个运行或批次。"),
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
    "help.cancel": ("Ask to stop runs or batches.", "请求停止运行或批次。"),
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

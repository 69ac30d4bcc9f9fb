"""Why a backup cannot be made or restored, in English and Chinese."""

from events.words import Phrases, in_words

MESSAGES: Phrases = {
    "folder_taken": (
        "{folder} holds a backup already; name a folder that is new or empty",
        "{folder} 中已有备份；请指定新的或空的文件夹",
    ),
    "unwritable": (
        "cannot write to {folder}: {reason}",
        "无法写入 {folder}：{reason}",
    ),
    "stream_missing": (
        "there is no stream {stream} to back up; NATS_URL leads to a NATS without comfyd's streams",
        "没有可备份的流 {stream}；NATS_URL 指向的 NATS 中没有 comfyd 的流",
    ),
    "interrupted": (
        "NATS stopped sending {stream} ({reason}); nothing was kept, try again",
        "NATS 中断了 {stream} 的发送（{reason}）；未保留任何内容，请重试",
    ),
    "no_backup": (
        "{folder} holds no whole backup of {stream}: {missing} is missing",
        "{folder} 中没有 {stream} 的完整备份：缺少 {missing}",
    ),
    "unreadable": (
        "{file} cannot be read: {reason}",
        "无法读取 {file}：{reason}",
    ),
    "other_stream": (
        "{file} describes the stream {found}, not {stream}",
        "{file} 描述的是流 {found}，而不是 {stream}",
    ),
    "damaged": (
        "{file} is not as it was written: its SHA-256 differs. Take another backup",
        "{file} 与写入时不同：SHA-256 不一致。请改用另一份备份",
    ),
    "running": (
        "a worker is running: stop API, workers and projector first",
        "有工作进程正在运行：请先停止 API、工作进程和投影进程",
    ),
    "not_empty": (
        (
            "the stream {stream} is there, up to position {last}: restore into a NATS without "
            "comfyd's data, or let --replace delete what is there for ever"
        ),
        (
            "流 {stream} 已存在，末位 {last}：请恢复到没有 comfyd 数据的 NATS，"
            "或用 --replace 永久删除现有数据"
        ),
    ),
    "no_place": (
        (
            "NATS has no place for {replicas} replicas ({reason}); nothing was deleted. Start the "
            "missing servers, or name another number with --replicas"
        ),
        (
            "NATS 无法容纳 {replicas} 个副本（{reason}）；未删除任何内容。"
            "请启动缺少的服务器，或用 --replicas 指定其他数量"
        ),
    ),
    "refused": (
        "NATS did not restore {stream}: {reason}. What had come of it was taken away again",
        "NATS 未能恢复 {stream}：{reason}。已恢复的部分已撤回",
    ),
    "not_whole": (
        (
            "{stream} came back with {messages} messages up to {last}, but the backup has "
            "{expected} up to {expected_last}. It was taken away again"
        ),
        (
            "{stream} 恢复后有 {messages} 条消息，末位 {last}，而备份有 {expected} 条，"
            "末位 {expected_last}。恢复的内容已撤回"
        ),
    ),
    "replicas_behind": (
        (
            "{stream} is restored, but these servers do not have all of it yet: {servers}. "
            "Start nothing before they have: what one server has alone is lost with it"
        ),
        "{stream} 已恢复，但以下服务器尚未取得全部数据：{servers}。在它们取得之前请勿启动任何进程",
    ),
    "away": (
        "NATS does not answer ({reason}): is NATS_URL right, and does it run?",
        "NATS 没有应答（{reason}）：NATS_URL 是否正确，NATS 是否在运行？",
    ),
}


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why and what to do."""

    def __init__(self, key: str, **params: object) -> None:
        self.key = key
        self._params = params
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """Return the message in that language."""
        return in_words(MESSAGES[self.key], language, self._params)

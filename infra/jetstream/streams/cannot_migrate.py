"""Why the streams cannot be made as they are declared, in English and Chinese."""

from events.words import Phrases, in_words

MESSAGES: Phrases = {
    "would_lower": (
        ("nothing was changed: {changes} would keep less than now. If you want that, add {flags}"),
        "未做任何更改：{changes} 会使保留的内容比现在少。如果确实需要，请加上 {flags}",
    ),
    "would_lower_replicas": (
        (
            "nothing was changed: {changes} would keep fewer copies than now. Ask for the copies"
            " that there are (--replicas or COMFYD_REPLICAS); if you want fewer, add {flags}"
        ),
        (
            "未做任何更改：{changes} 会使副本比现在少。请指定现有的副本数"
            "（--replicas 或 COMFYD_REPLICAS）；如果确实需要减少，请加上 {flags}"
        ),
    ),
    "single_server": (
        (
            "{stream}: {replicas} replicas need as many NATS servers in one cluster, and NATS_URL"
            " leads to a single one. Start a cluster (docs/cluster.md), or ask for 1"
            " (--replicas or COMFYD_REPLICAS)"
        ),
        (
            "{stream}：{replicas} 个副本需要同一集群中同样多的 NATS 服务器，"
            "而 NATS_URL 指向单独一台。请启动集群（见 docs/zh/cluster.md），"
            "或只要求 1 个（--replicas 或 COMFYD_REPLICAS）"
        ),
    ),
    "too_few_servers": (
        (
            "{stream}: {replicas} replicas need as many NATS servers of the cluster, with room on"
            " their disks, and fewer answer. Start the others, then run `comfyd migrate` again"
        ),
        (
            "{stream}：{replicas} 个副本需要集群中同样多、且磁盘有空间的 NATS 服务器，"
            "但响应的不足。请启动其余服务器，然后重新运行 `comfyd migrate`"
        ),
    ),
    "no_majority": (
        (
            "NATS can be reached, but JetStream does not answer. It must be switched on, and in a"
            " cluster more than half of the servers must run: start the others, then run"
            " `comfyd migrate` again"
        ),
        (
            "可以连接 NATS，但 JetStream 没有响应。它必须已启用；在集群中必须有过半的服务器在运行："
            "请启动其余服务器，然后重新运行 `comfyd migrate`"
        ),
    ),
    "refused": (
        "stream {stream} ({fields}) cannot be changed: NATS says: {reason}",
        "流 {stream}（{fields}）无法更改：NATS 的答复：{reason}",
    ),
}


class CannotMigrate(Exception):
    """A stream cannot be made as it is declared; `text` says why and what to do."""

    def __init__(self, code: str, /, **params: str) -> None:
        self.code = code
        self.params = params
        super().__init__(self.text())

    def text(self, language: str = "en") -> str:
        """Return the message in *language*: en or zh."""
        return in_words(MESSAGES[self.code], language, self.params)

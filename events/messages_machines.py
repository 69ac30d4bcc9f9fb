"""Why a request about machines is refused."""

from events.words import Phrases

MACHINES: Phrases = {
    "machine_unobserved": (
        "No machine has told yet which nodes it has; that is needed to read this graph.",
        "还没有机器上报其节点信息，因此无法读取该工作流。",
    ),
    "machine_ambiguous": (
        "you have several machines; name the one whose nodes the graph uses: {known}",
        "您有多台机器；请指明该工作流使用哪台机器的节点：{known}",
    ),
    "machine_removed": (
        "This machine was removed; register it anew.",
        "该机器已被移除；请重新注册。",
    ),
    "machine_busy": (
        "Runs are open on this machine; drain it first, or remove it by force.",
        "该机器上仍有未结束的运行；请先排空，或强制移除。",
    ),
    "machine_has_open_runs": (
        "runs on this machine that have not ended: {count}",
        "该机器上尚未结束的运行：{count} 个",
    ),
    "machine_token_needed": (
        "A machine that moves to another host needs its secrets again, or null for none.",
        "机器迁移到其他主机时，必须重新提供各项密钥；不再需要则传 null。",
    ),
    "machine_secret_needed": (
        "send {name} for the new host as well, or null for none",
        "请为新主机一并提供 {name}；不再需要则传 null",
    ),
    "machine_header_reserved": (
        "{name} belongs to HTTP itself and cannot be set",
        "{name} 属于 HTTP 协议本身，不能设置",
    ),
    "machine_address_private": (
        "{host} is not an address that a machine may have here",
        "此处不允许将 {host} 用作机器地址",
    ),
    "machine_draining": (
        "the machine is being drained: it finishes what it has and takes nothing new",
        "机器正在排空：只完成已有的运行，不接收新的运行",
    ),
    "machine_disabled": (
        "the machine is disabled: it takes nothing new until it is resumed",
        "机器已停用：恢复之前不接收新的运行",
    ),
    "machine_never_observed": (
        "nobody has reached the machine yet, so it is not known what it can do",
        "尚未成功连接过该机器，因此不知道它具备哪些能力",
    ),
    "bad_machine_url": (
        "the URL of a machine must begin with http:// or https:// and have no password in it",
        "机器网址必须以 http:// 或 https:// 开头，且不能包含密码",
    ),
}

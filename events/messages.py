"""The words for every stable error code, in English and Chinese."""

from collections.abc import Mapping

LANGUAGES = ("en", "zh")

CATALOGUE: dict[str, tuple[str, str]] = {
    # inputs of a run
    "input_unknown": (
        "this workflow has no input '{name}'; it has: {known}",
        "该工作流没有名为“{name}”的输入；可用的输入：{known}",
    ),
    "input_required": (
        "input '{name}' is required",
        "缺少必填的输入“{name}”",
    ),
    "input_not_text": (
        "input '{name}' must be a text",
        "输入“{name}”必须是文本",
    ),
    "input_too_long": (
        "input '{name}' is too long: at most {limit} characters",
        "输入“{name}”过长：最多 {limit} 个字符",
    ),
    "input_not_number": (
        "input '{name}' must be a finite number",
        "输入“{name}”必须是有限的数字",
    ),
    "input_not_integer": (
        "input '{name}' must be a whole number",
        "输入“{name}”必须是整数",
    ),
    "input_out_of_range": (
        "input '{name}' must be between {minimum} and {maximum}",
        "输入“{name}”必须在 {minimum} 到 {maximum} 之间",
    ),
    "input_not_boolean": (
        "input '{name}' must be true or false",
        "输入“{name}”必须是 true 或 false",
    ),
    "input_not_file_name": (
        "input '{name}' must be the name of a file that is installed on the machine",
        "输入“{name}”必须是机器上已安装的文件名",
    ),
    "input_model_url": (
        (
            "input '{name}' is a URL, but a machine does not download models; "
            "give the name of a file that is installed on it"
        ),
        "输入“{name}”是网址，但机器不会下载模型；请填写机器上已安装的文件名",
    ),
    "input_not_image": (
        "input '{name}' must be an image: an http(s) URL or data:image/...;base64,...",
        "输入“{name}”必须是图片：http(s) 网址，或 data:image/...;base64,... 数据",
    ),
    "input_bad_base64": (
        "input '{name}' is a data URI, but what follows the comma is not valid base64",
        "输入“{name}”是 data URI，但逗号后的内容不是有效的 base64",
    ),
    "input_default_not_url": (
        "the default image of input '{name}' must be an http(s) URL",
        "输入“{name}”的默认图片必须是 http(s) 网址",
    ),
    # what callers notice when another version takes the place of theirs
    "input_removed": (
        "input '{name}' is gone: a run that still sends it is refused",
        "输入“{name}”已被移除：仍然发送它的运行会被拒绝",
    ),
    "input_retyped": (
        "input '{name}' was {before} and is now {after}",
        "输入“{name}”的类型由 {before} 变为 {after}",
    ),
    "input_newly_required": (
        "input '{name}' must now be sent: there is no default",
        "输入“{name}”现在为必填：它没有默认值",
    ),
    "input_narrowed": (
        "input '{name}' took {before} and now takes {after} only",
        "输入“{name}”的取值范围由 {before} 缩小为 {after}",
    ),
    # the graph of a workflow
    "graph_not_api_format": (
        "this is not a ComfyUI graph in API format, which maps node ids to class_type and inputs",
        "这不是 API 格式的 ComfyUI 工作流；API 格式以节点 ID 为键，包含 class_type 和 inputs",
    ),
    "graph_ui_format": (
        "this is a ComfyUI graph in the editor's format; send it as ui_graph",
        "这是 ComfyUI 编辑器格式的工作流；请通过 ui_graph 字段提交",
    ),
    "graph_empty": (
        "the graph has no nodes",
        "工作流中没有节点",
    ),
    "graph_too_large": (
        "the graph has {count} nodes; at most {limit} are allowed",
        "工作流有 {count} 个节点；最多允许 {limit} 个",
    ),
    "graph_cycle": (
        "these nodes wait for each other: {cycle}",
        "以下节点互相等待，形成循环：{cycle}",
    ),
    "node_not_an_object": (
        "node {node} must be an object with class_type and inputs",
        "节点 {node} 必须是包含 class_type 和 inputs 的对象",
    ),
    "node_without_class": (
        "node {node} has no class_type",
        "节点 {node} 缺少 class_type",
    ),
    "node_without_inputs": (
        "node {node} has no inputs; it needs an object, be it empty",
        "节点 {node} 缺少 inputs；即使没有输入，也要给出空对象",
    ),
    "link_broken": (
        "input '{input}' of node {node} links to node {source}, which is not in the graph",
        "节点 {node} 的输入“{input}”连接到节点 {source}，但工作流中没有该节点",
    ),
    "link_without_slot": (
        (
            "input '{input}' of node {node} links to output {slot} of node {source}, "
            "which has no such output"
        ),
        "节点 {node} 的输入“{input}”连接到节点 {source} 的输出 {slot}，但该输出不存在",
    ),
    "input_id_missing": (
        "node {node} is an external input without a name: input_id must be a text",
        "节点 {node} 是外部输入，但没有名称：input_id 必须是非空文本",
    ),
    "input_id_conflict": (
        "nodes {first} and {node} share the input_id '{name}' but are of different classes",
        "节点 {first} 和 {node} 使用相同的 input_id“{name}”，但节点类型不同",
    ),
    "input_bounds_invalid": (
        "node {node}: min_value and max_value of input '{name}' must be numbers, the least first",
        "节点 {node}：输入“{name}”的 min_value 和 max_value 必须是数字，且最小值不大于最大值",
    ),
    "input_default_invalid": (
        "node {node}: the default of input '{name}' does not fit: {reason}",
        "节点 {node}：输入“{name}”的默认值不合适：{reason}",
    ),
    # a graph in the editor's format
    "ui_graph_malformed": (
        "this is not a graph as ComfyUI's editor saves it: {reason}",
        "这不是 ComfyUI 编辑器保存的工作流：{reason}",
    ),
    "ui_inputs_too_many": (
        "the nodes of the graph have {count} inputs together; at most {limit} are allowed",
        "工作流中所有节点共有 {count} 个输入；最多允许 {limit} 个",
    ),
    "ui_subgraph_missing": (
        "node {node} is a subgraph that the file does not define",
        "节点 {node} 是子图，但文件中没有该子图的定义",
    ),
    "ui_subgraph_recursion": (
        "node {node} is a subgraph that contains itself",
        "节点 {node} 的子图包含了自身",
    ),
    "ui_group_missing": (
        "node {node} is a group node ({class_type}) that the file does not define",
        "节点 {node} 是组节点（{class_type}），但文件中没有该组的定义",
    ),
    "ui_group_nested": (
        (
            "node {node} ({class_type}) is a group node inside another one; "
            "convert it to nodes or to a subgraph in the editor"
        ),
        "节点 {node}（{class_type}）是嵌套在其他组中的组节点；请在编辑器中将其改为普通节点或子图",
    ),
    "ui_link_missing": (
        "node {node} ({class_type}): input '{input}' has link {link}, which the file does not have",
        "节点 {node}（{class_type}）：输入“{input}”引用了连线 {link}，但文件中没有该连线",
    ),
    "ui_link_recursion": (
        "node {node} ({class_type}): the wire to input '{input}' leads back to itself",
        "节点 {node}（{class_type}）：输入“{input}”的连线绕回了自身",
    ),
    "ui_slot_missing": (
        "node {node} ({class_type}): a wire leads to slot '{input}', which is not there",
        "节点 {node}（{class_type}）：有连线指向不存在的接口“{input}”",
    ),
    "ui_setter_missing": (
        "node {node} gets '{name}', but no node sets it",
        "节点 {node} 读取“{name}”，但没有节点设置该值",
    ),
    "ui_widgets_surplus": (
        (
            "node {node} ({class_type}): {count} more values are saved than the machine's version "
            "of the node has widgets ({known}); save the workflow again in that machine's editor, "
            "or export it in API format"
        ),
        (
            "节点 {node}（{class_type}）：保存的值比机器上该节点的控件（{known} 个）多 {count} 个；"
            "请在该机器的编辑器中重新保存工作流，或导出 API 格式"
        ),
    ),
    "ui_widget_misfit": (
        (
            "node {node} ({class_type}): the saved value '{value}' does not fit input '{input}' "
            "({type}) of the machine's version of the node; save the workflow again in that "
            "machine's editor, or export it in API format"
        ),
        (
            "节点 {node}（{class_type}）：保存的值“{value}”与机器上该节点的输入“{input}”（{type}）"
            "不符；请在该机器的编辑器中重新保存工作流，或导出 API 格式"
        ),
    ),
    "ui_widget_live": (
        (
            "node {node} ({class_type}): the value of input '{input}' is made in the browser; "
            "use a node that loads a file instead"
        ),
        "节点 {node}（{class_type}）：输入“{input}”的值由浏览器即时生成；请改用加载文件的节点",
    ),
    # a graph against what a machine can do
    "node_unknown": (
        "node {node}: the machine has no node class {class_type}",
        "节点 {node}：机器上没有安装节点类型 {class_type}",
    ),
    "node_input_missing": (
        "node {node} ({class_type}): input '{input}' is required",
        "节点 {node}（{class_type}）：缺少必填的输入“{input}”",
    ),
    "node_value_not_an_option": (
        (
            "node {node} ({class_type}): the machine has no '{value}' for input '{input}'; "
            "it has: {options}"
        ),
        "节点 {node}（{class_type}）：机器的输入“{input}”没有选项“{value}”；可选项：{options}",
    ),
    "node_value_not_number": (
        "node {node} ({class_type}): input '{input}' must be a number",
        "节点 {node}（{class_type}）：输入“{input}”必须是数字",
    ),
    "node_value_out_of_range": (
        "node {node} ({class_type}): input '{input}' must be between {minimum} and {maximum}",
        "节点 {node}（{class_type}）：输入“{input}”必须在 {minimum} 到 {maximum} 之间",
    ),
    "node_link_without_slot": (
        (
            "node {node} ({class_type}): input '{input}' links to output {slot} of node {source}, "
            "which has no such output"
        ),
        "节点 {node}（{class_type}）：输入“{input}”所连接的节点 {source} 没有输出 {slot}",
    ),
    "node_link_type": (
        (
            "node {node} ({class_type}): input '{input}' takes {expected}, "
            "but node {source} gives {given}"
        ),
        "节点 {node}（{class_type}）：输入“{input}”需要 {expected}，节点 {source} 却给出 {given}",
    ),
    "graph_without_output": (
        "no node of the graph saves or shows anything",
        "工作流中没有任何保存或显示结果的节点",
    ),
    # images that come with a run
    "not_an_image": (
        "input '{name}' is no image that we can read; send PNG, JPEG, WebP or GIF",
        "输入“{name}”不是可读取的图片；请使用 PNG、JPEG、WebP 或 GIF",
    ),
    "image_type_not_supported": (
        "input '{name}' is an image of a type we do not take; send PNG, JPEG, WebP or GIF",
        "输入“{name}”的图片类型不受支持；请使用 PNG、JPEG、WebP 或 GIF",
    ),
    "image_too_large_bytes": (
        "input '{name}' has {bytes} bytes; an image may have {limit}",
        "输入“{name}”的大小为 {bytes} 字节；图片最大为 {limit} 字节",
    ),
    "image_too_many_pixels": (
        "input '{name}' has too many pixels {pixels}; all frames together may have {limit}",
        "输入“{name}”的像素过多 {pixels}；所有帧合计最多 {limit} 像素",
    ),
    "image_truncated": (
        "input '{name}' is an image that breaks off or is damaged",
        "输入“{name}”的图片不完整或已损坏",
    ),
    # URLs that come with a run
    "url_scheme": (
        "input '{name}' must be a URL that begins with http:// or https://",
        "输入“{name}”的网址必须以 http:// 或 https:// 开头",
    ),
    "url_invalid": (
        "input '{name}' is no valid URL, or has a user name or password in it",
        "输入“{name}”不是有效的网址，或网址中带有用户名、密码",
    ),
    "url_private_address": (
        "input '{name}' points to {host}, which is not a public address",
        "输入“{name}”指向 {host}，该地址不是公网地址",
    ),
    "url_too_large": (
        "input '{name}': the file is larger than {limit} bytes",
        "输入“{name}”：文件超过 {limit} 字节",
    ),
    "url_timeout": (
        "input '{name}': {host} took too long",
        "输入“{name}”：{host} 响应超时",
    ),
    "url_status": (
        "input '{name}': the server answered with status {status}",
        "输入“{name}”：服务器返回状态码 {status}",
    ),
    "url_unreachable": (
        "input '{name}': {host} cannot be reached",
        "输入“{name}”：无法连接 {host}",
    ),
    "url_redirects": (
        "input '{name}': too many redirects, or one to an address that is not allowed",
        "输入“{name}”：重定向过多，或重定向到了不允许的地址",
    ),
    "url_encoded": (
        "input '{name}': the server sent a compressed body",
        "输入“{name}”：服务器发送了压缩的内容",
    ),
    # requests
    "unauthorized": ("A valid bearer token is required.", "需要有效的 Bearer 令牌。"),
    "key_revoked": ("This API key was revoked.", "此 API 密钥已被吊销。"),
    "key_expired": ("This API key has expired.", "此 API 密钥已过期。"),
    "token_revoked": ("This token was revoked.", "此令牌已被吊销。"),
    "scope_missing": (
        "This credential may not do that.",
        "此凭据没有执行该操作的权限。",
    ),
    "scope_needed": ("needs the scope {scopes}", "需要权限范围：{scopes}"),
    "not_found": ("There is no such thing.", "找不到该对象。"),
    "rate_limited": ("Too many requests.", "请求过于频繁。"),
    "rate_limit_reached": (
        "at most {limit} requests a minute are taken; come back in {seconds} s",
        "每分钟最多接受 {limit} 个请求；请在 {seconds} 秒后重试",
    ),
    "quota_exceeded": ("The quota of runs is used up.", "运行配额已用完。"),
    "quota_runs_in_flight": (
        (
            "at most {limit} runs may be open at the same time, and {count} are; "
            "{more} more will be taken when others have ended"
        ),
        "同时最多允许 {limit} 个未结束的运行，已有 {count} 个；其他运行结束后可再提交 {more} 个",
    ),
    "quota_runs_per_day": (
        (
            "at most {limit} runs may be made on one day, and {count} were; "
            "{more} more will be taken after midnight UTC"
        ),
        "每天最多允许创建 {limit} 个运行，今天已创建 {count} 个；UTC 零点之后可再提交 {more} 个",
    ),
    "no_such_route": ("There is no such address.", "没有这个地址。"),
    "method_not_allowed": (
        "This address does not take this method.",
        "该地址不支持此请求方法。",
    ),
    "invalid_inputs": ("The inputs do not fit the workflow.", "输入与工作流不符。"),
    "invalid_graph": ("The graph cannot be run.", "该工作流无法运行。"),
    "invalid_request": ("The request is not as it should be.", "请求格式不正确。"),
    "malformed_json": ("The body is no valid JSON.", "请求体不是有效的 JSON。"),
    "body_too_large": ("The body is too large.", "请求体过大。"),
    "too_large": (
        "All texts together are larger than the log takes: 1 MB.",
        "所有文本合计超过事件日志的上限：1 MB。",
    ),
    "idempotency_conflict": (
        "This Idempotency-Key belongs to a different request.",
        "此 Idempotency-Key 已用于另一个不同的请求。",
    ),
    "inputs_erased": (
        "The inputs of the run are no longer kept.",
        "该运行的输入已不再保存。",
    ),
    "nothing_to_rerun": (
        "No run fits the filter, or none of those that do can be repeated.",
        "没有符合筛选条件的运行，或符合条件的运行都无法重新运行。",
    ),
    "run_not_ended": (
        "Only a run that has ended can be erased; cancel it first.",
        "只有已结束的运行才能抹除；请先取消。",
    ),
    "illegal_transition": (
        "The run cannot take this step from where it stands.",
        "运行的当前状态不允许此操作。",
    ),
    "incompatible_inputs": (
        "Callers of this deployment would notice; send force to promote all the same.",
        "此变更会影响该部署的调用方；若仍要上线，请设置 force。",
    ),
    "nothing_to_roll_back": (
        "There is no such earlier version to go back to.",
        "没有可以回滚到的先前版本。",
    ),
    "too_many_changes": (
        "This object has been changed too often.",
        "该对象的变更次数已达上限。",
    ),
    "log_busy": (
        "Others are changing the same object; try again.",
        "其他请求正在修改同一对象；请重试。",
    ),
    "last_owner": (
        "An organisation needs an owner; make somebody else one first.",
        "组织必须至少有一名所有者；请先将其他成员设为所有者。",
    ),
    "identity_provider_unavailable": (
        "The identity provider does not answer, so this token cannot be checked. Try again.",
        "身份提供方无响应，暂时无法验证此令牌；请稍后重试。",
    ),
    "log_unavailable": (
        "The event log does not answer; nothing was accepted. Try again.",
        "事件日志无响应，未接受任何内容；请稍后重试。",
    ),
    "storage_unavailable": (
        "Object storage does not answer; nothing was accepted. Try again.",
        "对象存储无响应，未接受任何内容；请稍后重试。",
    ),
    "storage_refused": (
        "Object storage refuses to store; nothing was accepted.",
        "对象存储拒绝写入，未接受任何内容。",
    ),
    "read_models_unavailable": (
        "Lists cannot be read just now; single runs can. Try again.",
        "暂时无法读取列表，但单个运行仍可查询；请稍后重试。",
    ),
    "internal": ("Something went wrong on our side.", "服务器内部错误。"),
    "field_invalid": ("not as it should be: {reason}", "不符合要求：{reason}"),
    "field_type": ("must be {expected}, not {got}", "类型必须是 {expected}，而不是 {got}"),
    "field_too_short": ("must have a length of at least {limit}", "长度至少为 {limit}"),
    "field_too_long": ("must have a length of at most {limit}", "长度最多为 {limit}"),
    "field_too_small": ("must be at least {limit}", "不能小于 {limit}"),
    "field_too_large": ("must be at most {limit}", "不能大于 {limit}"),
    "field_out_of_range": ("this number is too large to be read", "数值过大，无法读取"),
    "field_characters": ("has characters that are not allowed here", "包含此处不允许的字符"),
    "field_option": ("there is no option '{value}'", "没有“{value}”这个选项"),
    "field_format": ("must be written as {format}", "格式必须为 {format}"),
    "field_missing": ("the field '{field}' is required", "缺少必填字段“{field}”"),
    "field_unknown": ("there is no field '{field}' here", "此处没有字段“{field}”"),
    "filter_empty": (
        "the filter must say at least one thing: status, deployment_id, batch_id, since or until",
        "筛选条件至少要包含一项：status、deployment_id、batch_id、since 或 until",
    ),
    "body_missing": ("the request needs a JSON body", "请求需要 JSON 格式的请求体"),
    "bad_idempotency_key": (
        "Idempotency-Key must have 1 to {limit} printable characters",
        "Idempotency-Key 必须为 1 到 {limit} 个可打印字符",
    ),
    "bad_position": (
        "a position must be one that an earlier answer gave",
        "位置必须来自之前的响应",
    ),
    "bad_cursor": (
        "a cursor must be one that an earlier page gave",
        "游标必须来自之前的分页结果",
    ),
    "key_scope_too_wide": (
        "a key that is for some deployments only may hold no other scopes than {scopes}",
        "仅限部分部署的密钥只能拥有以下权限范围：{scopes}",
    ),
    "expiry_in_the_past": (
        "the end must be in the future",
        "到期时间必须晚于当前时间",
    ),
    "token_or_jti": (
        "give either the token or its jti",
        "请提供令牌或其 jti，二者选一",
    ),
    "bad_token": (
        "this is no valid token of this server; API keys are revoked under /v1/keys",
        "这不是本服务器的有效令牌；API 密钥请在 /v1/keys 下吊销",
    ),
    "bad_user_id": (
        "a user id must have 1 to {limit} printable characters",
        "用户 ID 必须为 1 到 {limit} 个可打印字符",
    ),
    "person_needed": (
        "this credential names no person who could own the organisation",
        "该凭据未指明可以拥有此组织的人员",
    ),
    "bad_environment": (
        "there is no such environment; there are: {known}",
        "没有该环境；可用的环境：{known}",
    ),
    "machine_unobserved": (
        "No machine has told yet which nodes it has; that is needed to read this graph.",
        "还没有机器上报其节点信息，因此无法读取该工作流。",
    ),
    "graph_needed": (
        "send graph (API format), ui_graph (the editor's format), or both",
        "请提供 graph（API 格式）、ui_graph（编辑器格式），或同时提供两者",
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
        "{count} runs on this machine have not ended",
        "该机器上有 {count} 个运行尚未结束",
    ),
    "machine_token_needed": (
        "A machine that moves to another host needs its token again, or null for none.",
        "机器迁移到其他主机时，必须重新提供令牌；不再需要令牌则传 null。",
    ),
    "name_taken": (
        "Another machine has this name.",
        "该名称已被另一台机器使用。",
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
"""Code to (English, Chinese); both take the same placeholders."""


def say(code: str, params: Mapping[str, str], language: str = "en") -> str:
    """Give the message of *code* in *language*; English where we have no such language."""
    english, chinese = CATALOGUE[code]
    template = chinese if language == "zh" else english
    return template.format_map(params)

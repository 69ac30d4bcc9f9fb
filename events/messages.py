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
    # the graph of a workflow
    "graph_not_api_format": (
        "this is not a ComfyUI graph in API format, which maps node ids to class_type and inputs",
        "这不是 API 格式的 ComfyUI 工作流；API 格式以节点 ID 为键，包含 class_type 和 inputs",
    ),
    "graph_ui_format": (
        (
            "this is a ComfyUI graph in the editor's format; export it with "
            "Workflow > Export (API) (in older versions: enable dev mode, then Save (API Format))"
        ),
        (
            "这是 ComfyUI 编辑器格式的工作流；请用“工作流 > 导出 (API)”导出"
            "（旧版本：先启用开发者模式，再点 Save (API Format)）"
        ),
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
    "not_found": ("There is no such thing.", "找不到该对象。"),
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
    "illegal_transition": (
        "The run cannot take this step from where it stands.",
        "运行的当前状态不允许此操作。",
    ),
    "too_many_changes": (
        "This object has been changed too often.",
        "该对象的变更次数已达上限。",
    ),
    "log_busy": (
        "Others are changing the same object; try again.",
        "其他请求正在修改同一对象；请重试。",
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
    "field_missing": ("the field '{field}' is required", "缺少必填字段“{field}”"),
    "field_unknown": ("there is no field '{field}' here", "此处没有字段“{field}”"),
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
    "bad_environment": (
        "there is no such environment; there are: {known}",
        "没有该环境；可用的环境：{known}",
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

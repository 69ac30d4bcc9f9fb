"""Why a request is refused, and what may be wrong with its fields."""

from events.words import Phrases

REQUESTS: Phrases = {
    "unauthorized": ("A valid bearer token is required.", "需要有效的 Bearer 令牌。"),
    "key_revoked": ("This API key was revoked.", "此 API 密钥已被吊销。"),
    "key_expired": ("This API key has expired.", "此 API 密钥已过期。"),
    "token_revoked": ("This token was revoked.", "此令牌已被吊销。"),
    "ticket_expired": ("This ticket has expired; get a new one.", "此票据已过期；请重新获取。"),
    "ticket_revoked": (
        "The key or token that made this ticket no longer counts.",
        "创建此票据的密钥或令牌已失效。",
    ),
    "credential_in_address": (
        "A key or a token in the address is not read: send it as a header, or use a ticket.",
        "网址中的密钥或令牌不予读取：请放在请求头中发送，或使用票据。",
    ),
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
    "body_too_complex": (
        "The body has too many values to be read.",
        "请求体中的值过多，无法读取。",
    ),
    "more_problems": ("and {count} more", "另有 {count} 个问题"),
    "field_invalid": ("not as it should be: {reason}", "不符合要求：{reason}"),
    "field_type": ("must be {expected}, not {got}", "类型必须是 {expected}，而不是 {got}"),
    "field_too_short": ("must have a length of at least {limit}", "长度至少为 {limit}"),
    "field_too_long": ("must have a length of at most {limit}", "长度最多为 {limit}"),
    "field_too_small": ("must be at least {limit}", "不能小于 {limit}"),
    "field_too_large": ("must be at most {limit}", "不能大于 {limit}"),
    "field_out_of_range": ("this number is too large to be read", "数值过大，无法读取"),
    "field_characters": (
        (
            "has characters that are not allowed here, such as line breaks, direction marks or "
            "characters that nobody sees"
        ),
        "包含此处不允许的字符，例如换行符、文字方向标记或不可见字符",
    ),
    "field_option": ("there is no option '{value}'", "没有“{value}”这个选项"),
    "field_format": ("must be written as {format}", "格式必须为 {format}"),
    "field_missing": ("the field '{field}' is required", "缺少必填字段“{field}”"),
    "parameter_unknown": (
        "there is no parameter '{name}' here; there are: {known}",
        "此处没有参数“{name}”；可用参数：{known}",
    ),
    "body_unexpected": (
        "nothing here reads a body; leave it out",
        "此处不读取请求体；请不要发送",
    ),
    "webhook_unsupported": (
        "no webhook would be called: leave it out, and read the run or follow its events",
        "不会调用任何 webhook：请去掉该字段，改为查询运行或订阅其事件",
    ),
    "field_unknown": ("there is no field '{field}' here", "此处没有字段“{field}”"),
    "filter_empty": (
        "the filter must say at least one thing: status, deployment_id, batch_id, since or until",
        "筛选条件至少要包含一项：status、deployment_id、batch_id、since 或 until",
    ),
    "json_malformed": (
        "line {line}, column {column}: this is not valid JSON: {text}",
        "第 {line} 行第 {column} 列起不是有效的 JSON：{text}",
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
    "graph_needed": (
        "send graph (API format), ui_graph (the editor's format), or both",
        "请提供 graph（API 格式）、ui_graph（编辑器格式），或同时提供两者",
    ),
    "name_taken": (
        "Another machine has this name.",
        "该名称已被另一台机器使用。",
    ),
}

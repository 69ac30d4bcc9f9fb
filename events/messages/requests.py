"""Why a request is refused, and what may be wrong with its fields."""

from events.messages.texts import Texts

REQUESTS: Texts = {
    "unauthorized": "A valid bearer token is required.",
    "key_revoked": "This API key was revoked.",
    "key_expired": "This API key has expired.",
    "token_revoked": "This token was revoked.",
    "ticket_expired": "This ticket has expired; get a new one.",
    "ticket_revoked": "The key or token behind this ticket is no longer valid.",
    "session_ended": "This session has ended; sign in again.",
    "sign_in_link_expired": "This sign-in link has expired; get a new one by `comfyd sign-in`.",
    "sign_in_link_used": "This sign-in link was used before; get a new one by `comfyd sign-in`.",
    "sign_in_refused": "The identity provider did not sign you in; try again.",
    "form_refused": "This form has expired; load the page again and repeat it.",
    "foreign_origin": (
        "The request comes from a page of another site. Behind a proxy, set COMFYD_PUBLIC_URL to "
        "the address that browsers use."
    ),
    "credential_in_address": (
        "Keys and tokens in the URL are not accepted: send them in a header, or use a ticket."
    ),
    "scope_missing": "This credential has no permission for this.",
    "scope_needed": "the scope {scopes} is required",
    "not_found": "The resource was not found.",
    "not_supported": "This is not supported.",
    "rate_limited": "Too many requests.",
    "rate_limit_reached": "at most {limit} requests a minute are allowed; retry in {seconds} s",
    "quota_exceeded": "The run quota is used up.",
    "quota_runs_in_flight": (
        "at most {limit} runs may be open at the same time, and {count} are; {more} more can be "
        "created when others have ended"
    ),
    "quota_runs_per_day": (
        "at most {limit} runs may be created a day, and {count} were; {more} more can be created "
        "after midnight UTC"
    ),
    "no_such_route": "There is no route at this address.",
    "method_not_allowed": "This route does not support this method.",
    "invalid_inputs": "The inputs are not valid for this workflow.",
    "invalid_graph": "The graph cannot be run.",
    "invalid_request": "The request is not valid.",
    "malformed_json": "The body is not valid JSON.",
    "body_too_large": "The body is too large.",
    "too_large": "All texts together exceed the limit of the event log: 1 MB.",
    "idempotency_conflict": "This Idempotency-Key was used for a different request.",
    "inputs_erased": "The inputs of the run are no longer stored.",
    "nothing_to_rerun": "No run matches the filter, or none of the matching runs can be rerun.",
    "callback_late": "The attempt that this callback is about is over.",
    "run_not_ended": "Only a run that has ended can be erased; cancel it first.",
    "illegal_transition": "The current status of the run does not allow this.",
    "incompatible_inputs": (
        "This version breaks callers of the deployment; send force to promote it anyway."
    ),
    "alias_reserved": "This id is reserved for comfyd.",
    "nothing_to_roll_back": "There is no such earlier version to roll back to.",
    "too_many_changes": "This object has reached its limit of changes.",
    "log_busy": "Other requests are changing the same object; try again.",
    "last_owner": "An organisation needs at least one owner; make another member an owner first.",
    "identity_provider_unavailable": (
        "The identity provider does not answer, so this token cannot be checked. Try again."
    ),
    "log_unavailable": "The event log does not answer; nothing was accepted. Try again.",
    "storage_unavailable": "Object storage does not answer; nothing was accepted. Try again.",
    "storage_refused": "Object storage refused to store the data; nothing was accepted.",
    "files_busy": "Too many files are being fetched at the same time. Try again.",
    "range_not_satisfiable": "The requested range begins after the end of the file.",
    "read_models_unavailable": "Lists are not available now; single runs are. Try again.",
    "internal": "Internal server error.",
    "body_too_complex": "The body has too many values.",
    "more_problems": "and {count} more",
    "field_invalid": "is not valid: {reason}",
    "field_type": "must be {expected}, not {got}",
    "field_too_short": "must have a length of at least {limit}",
    "field_too_long": "must have a length of at most {limit}",
    "field_too_small": "must be at least {limit}",
    "field_too_large": "must be at most {limit}",
    "field_out_of_range": "the number is too large",
    "field_characters": (
        "has characters that are not allowed here, such as line breaks, direction marks or "
        "invisible characters"
    ),
    "field_option": "there is no option '{value}'",
    "field_format": "must be written as {format}",
    "field_missing": "the field '{field}' is required",
    "parameter_unknown": "unknown parameter '{name}'; known are: {known}",
    "body_unexpected": "this route takes no body; leave it out",
    "webhook_unsupported": (
        "webhooks are not supported: leave it out, and read the run or follow its events"
    ),
    "websocket_unsupported": (
        "live inputs by WebSocket are not supported: create a run, and follow its events"
    ),
    "machine_build_unsupported": (
        "machines are not built here: install ComfyUI and its nodes yourself, and register its "
        "address"
    ),
    "model_sync_unsupported": (
        "models are not kept here: put the file into the folder of models of the machine"
    ),
    "uploads_too_large": (
        "the uploads that one request names may have at most {limit} bytes together"
    ),
    "media_type_refused": (
        "files of the type '{type}' are not taken this way: a browser would run what is in them"
    ),
    "field_unknown": "unknown field '{field}'",
    "filter_empty": (
        "the filter needs at least one of status, deployment_id, batch_id, since and until"
    ),
    "json_malformed": "line {line}, column {column}: this is not valid JSON: {text}",
    "body_missing": "the request needs a JSON body",
    "bad_idempotency_key": "Idempotency-Key must have 1 to {limit} printable characters",
    "bad_position": "not a valid position; use one from an earlier response",
    "bad_cursor": "not a valid cursor; use the one from the previous page",
    "key_scope_too_wide": (
        "a key that is limited to deployments may only have the scopes {scopes}"
    ),
    "expiry_in_the_past": "the expiry must be in the future",
    "token_or_jti": "send either the token or its jti",
    "bad_token": "this is not a valid token of this server; API keys are revoked under /v1/keys",
    "bad_user_id": "a user id must have 1 to {limit} printable characters",
    "person_needed": "this credential does not belong to a person who could own the organisation",
    "bad_environment": "unknown environment; known are: {known}",
    "upload_type_not_supported": "only images of these types can be uploaded: {known}",
    "graph_needed": "send graph (API format), ui_graph (the editor's format), or both",
    "name_taken": "Another machine has this name.",
}

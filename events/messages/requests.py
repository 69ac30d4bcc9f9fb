"""Why a request is refused, and what may be wrong with its fields."""

from events.texts import Texts

REQUESTS: Texts = {
    "unauthorized": "A valid bearer token is required.",
    "key_revoked": "This API key was revoked.",
    "key_expired": "This API key has expired.",
    "token_revoked": "This token was revoked.",
    "ticket_expired": "This ticket has expired; get a new one.",
    "ticket_revoked": "The key or token that made this ticket no longer counts.",
    "credential_in_address": (
        "A key or a token in the address is not read: send it as a header, or use a ticket."
    ),
    "scope_missing": "This credential may not do that.",
    "scope_needed": "needs the scope {scopes}",
    "not_found": "There is no such thing.",
    "rate_limited": "Too many requests.",
    "rate_limit_reached": "at most {limit} requests a minute are taken; come back in {seconds} s",
    "quota_exceeded": "The quota of runs is used up.",
    "quota_runs_in_flight": (
        "at most {limit} runs may be open at the same time, and {count} are; "
        "{more} more will be taken when others have ended"
    ),
    "quota_runs_per_day": (
        "at most {limit} runs may be made on one day, and {count} were; "
        "{more} more will be taken after midnight UTC"
    ),
    "no_such_route": "There is no such address.",
    "method_not_allowed": "This address does not take this method.",
    "invalid_inputs": "The inputs do not fit the workflow.",
    "invalid_graph": "The graph cannot be run.",
    "invalid_request": "The request is not as it should be.",
    "malformed_json": "The body is no valid JSON.",
    "body_too_large": "The body is too large.",
    "too_large": "All texts together are larger than the log takes: 1 MB.",
    "idempotency_conflict": "This Idempotency-Key belongs to a different request.",
    "inputs_erased": "The inputs of the run are no longer kept.",
    "nothing_to_rerun": "No run fits the filter, or none of those that do can be repeated.",
    "run_not_ended": "Only a run that has ended can be erased; cancel it first.",
    "illegal_transition": "The run cannot take this step from where it stands.",
    "incompatible_inputs": (
        "Callers of this deployment would notice; send force to promote all the same."
    ),
    "nothing_to_roll_back": "There is no such earlier version to go back to.",
    "too_many_changes": "This object has been changed too often.",
    "log_busy": "Others are changing the same object; try again.",
    "last_owner": "An organisation needs an owner; make somebody else one first.",
    "identity_provider_unavailable": (
        "The identity provider does not answer, so this token cannot be checked. Try again."
    ),
    "log_unavailable": "The event log does not answer; nothing was accepted. Try again.",
    "storage_unavailable": "Object storage does not answer; nothing was accepted. Try again.",
    "storage_refused": "Object storage refuses to store; nothing was accepted.",
    "read_models_unavailable": "Lists cannot be read just now; single runs can. Try again.",
    "internal": "Something went wrong on our side.",
    "body_too_complex": "The body has too many values to be read.",
    "more_problems": "and {count} more",
    "field_invalid": "not as it should be: {reason}",
    "field_type": "must be {expected}, not {got}",
    "field_too_short": "must have a length of at least {limit}",
    "field_too_long": "must have a length of at most {limit}",
    "field_too_small": "must be at least {limit}",
    "field_too_large": "must be at most {limit}",
    "field_out_of_range": "this number is too large to be read",
    "field_characters": (
        "has characters that are not allowed here, such as line breaks, direction marks or "
        "characters that nobody sees"
    ),
    "field_option": "there is no option '{value}'",
    "field_format": "must be written as {format}",
    "field_missing": "the field '{field}' is required",
    "parameter_unknown": "there is no parameter '{name}' here; there are: {known}",
    "body_unexpected": "nothing here reads a body; leave it out",
    "webhook_unsupported": (
        "no webhook would be called: leave it out, and read the run or follow its events"
    ),
    "field_unknown": "there is no field '{field}' here",
    "filter_empty": (
        "the filter must say at least one thing: status, deployment_id, batch_id, since or until"
    ),
    "json_malformed": "line {line}, column {column}: this is not valid JSON: {text}",
    "body_missing": "the request needs a JSON body",
    "bad_idempotency_key": "Idempotency-Key must have 1 to {limit} printable characters",
    "bad_position": "a position must be one that an earlier answer gave",
    "bad_cursor": "a cursor must be one that an earlier page gave",
    "key_scope_too_wide": (
        "a key that is for some deployments only may hold no other scopes than {scopes}"
    ),
    "expiry_in_the_past": "the end must be in the future",
    "token_or_jti": "give either the token or its jti",
    "bad_token": "this is no valid token of this server; API keys are revoked under /v1/keys",
    "bad_user_id": "a user id must have 1 to {limit} printable characters",
    "person_needed": "this credential names no person who could own the organisation",
    "bad_environment": "there is no such environment; there are: {known}",
    "graph_needed": "send graph (API format), ui_graph (the editor's format), or both",
    "name_taken": "Another machine has this name.",
}

"""The NATS account of those who may read the log and do nothing else.

An account, since the permissions of a user do not suffice: JetStream sends its answer to whatever
subject a request names as its reply, so a user who may only read could write into a stream by
asking for the answer there. An account has subjects of its own, and nothing but the one call that
comfyd's account exports leads out of it (docs/adr/0024).
"""

OWN_ACCOUNT = "COMFYD"
USER = "analyst"

READ = "$JS.API.DIRECT.GET.RUNS"
"""Returns events of the log from a position on. It makes no consumer, so it disturbs none."""

ACCOUNTS = f"""\
  {OWN_ACCOUNT} {{
    jetstream: enabled
    users: [{{ user: "comfyd", password: $NATS_PASSWORD }}]
    exports: [{{ service: "{READ}", response_type: stream, accounts: [ANALYST] }}]
  }}
  # Reads the log, and does nothing else: docs/analyse-runs.md.
  ANALYST {{
    users: [{{ user: "{USER}", password: $NATS_ANALYST_PASSWORD }}]
    imports: [{{ service: {{ account: {OWN_ACCOUNT}, subject: "{READ}" }} }}]
  }}
"""
"""The accounts of comfyd and of the analyst, as they stand in every configuration of NATS."""

"""Who may use what: API keys, revoked tokens, sessions, organisations; one aggregate a file."""

"""Who may use what: API keys, revoked tokens, organisations; one aggregate a file."""

"""Authentication and authorisation: credentials, callers, scopes."""

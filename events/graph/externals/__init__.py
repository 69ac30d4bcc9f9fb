"""The nodes that callers and the plugin know: what each takes, and what becomes of it."""

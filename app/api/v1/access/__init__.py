"""Callers, API keys, tokens, tickets and organisations."""

"""Limits: requests of an address or a credential per minute, runs of a tenant."""

"""Addresses and sockets: guarded requests to foreign addresses, and where a process listens."""

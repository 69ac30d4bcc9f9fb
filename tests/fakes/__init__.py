"""Ports in memory and breakable machines; the ports pass the contract suites of the real ones."""

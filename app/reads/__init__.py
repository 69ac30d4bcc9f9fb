"""Reads: what the API answers with, from the read models or from the log; they change nothing."""

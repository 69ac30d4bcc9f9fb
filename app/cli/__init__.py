"""The command line: start everything, and look after it."""

"""One machine: its state, facts and rules, and what it can do."""

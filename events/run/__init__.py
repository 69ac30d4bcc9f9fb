"""One run: its state, facts, commands and rules, and what follows from them."""

"""Output in the terminal: tables, a followed run, images."""

"""The streams: what is declared, and how an existing stream is brought to it."""

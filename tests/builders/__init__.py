"""Facts, commands, graphs and pictures with sensible defaults."""

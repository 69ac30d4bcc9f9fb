"""The doctor: looks at everything a server depends on, and names each fault with its fix."""

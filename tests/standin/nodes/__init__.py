"""The node classes of the stand-in, and what they make."""

"""Input images: which are accepted, how they are inspected and where they are stored."""

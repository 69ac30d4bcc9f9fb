"""Push versions of workflows, and promote them to environments."""

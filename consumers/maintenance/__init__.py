"""Work that keeps the system in order: erasure, retention, and whatever went missing."""

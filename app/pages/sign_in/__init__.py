"""Sign in by link, key or identity provider; sign out; one's own sessions."""

"""A client of the public API: the connection, the login, and how arguments are read."""

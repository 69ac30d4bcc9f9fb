"""Read models: fold events into Postgres tables, and query them."""

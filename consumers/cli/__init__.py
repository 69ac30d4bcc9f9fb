"""Commands that look after streams, tables and backups."""

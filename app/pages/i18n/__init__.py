"""The language of a page, its texts, and dates and numbers by locale."""

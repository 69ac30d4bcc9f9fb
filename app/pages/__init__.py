"""Pages for browsers: one more door, over the same commands and reads as the API."""

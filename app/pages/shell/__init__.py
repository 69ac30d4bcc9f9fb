"""What all pages have in common: layout, headers, preferences, errors."""

"""HTTP itself: limits, headers, strict requests, languages and the documents of errors."""

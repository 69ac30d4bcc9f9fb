"""Programs of the Makefile: audit, generated pages, message catalogues."""

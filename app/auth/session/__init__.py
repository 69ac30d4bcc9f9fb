"""Sessions of browsers: their secrets, links, cookies and forms; they open pages only."""

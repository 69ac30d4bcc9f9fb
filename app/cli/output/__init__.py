"""Print for people: tables, a followed run, images in the terminal."""

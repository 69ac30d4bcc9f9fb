"""Home: what runs, what waits and why, what failed, and the first steps while there is nothing."""

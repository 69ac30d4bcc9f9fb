"""HTTP doors, live streams, sign-in and the command line."""

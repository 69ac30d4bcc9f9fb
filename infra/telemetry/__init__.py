"""What each process says of itself: health and metrics."""

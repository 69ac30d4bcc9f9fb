"""What can happen, and the rules: pure, without I/O and without a clock."""

"""Records become figures: pure functions on frozen values."""

"""Lays a load on a test's workers, and finds out how much of it they bear."""

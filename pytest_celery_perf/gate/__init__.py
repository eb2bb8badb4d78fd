"""Compares two versions of the code, or of what it stands on, in one test run: a pytest process for each, in turns."""

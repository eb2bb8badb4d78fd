"""Runs a test again and again, each time with another fault, and compares each run with one in which none struck.

One hook of pytest's is taken over, for tests with such a marker alone; pytest sees one test, set up, called and torn
down once.
"""

"""What users submit; every problem in the tests asks for the sum of two numbers."""

from __future__ import annotations

ADD = "print(sum(map(int, input().split())))"
"""The right solution."""

SUBTRACT = "a, b = map(int, input().split()); print(a - b)"
"""A wrong one: it prints, but not what it should."""

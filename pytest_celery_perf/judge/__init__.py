"""Figures and budgets become verdicts: pure functions on frozen values."""

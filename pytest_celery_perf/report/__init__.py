"""Verdicts and figures as text: values in, text out; only the plugin writes."""

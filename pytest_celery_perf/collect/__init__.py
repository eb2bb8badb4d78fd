"""From record files to what happened."""

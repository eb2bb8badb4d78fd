"""What tasks take."""

GRIND_S = 0.004
HOARD_BYTES = 1
FAILS = False

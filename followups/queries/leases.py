"""How long a window holds a visit without a beat."""

# Seconds. A browser slows the clock of a window in the background to a beat a minute.
LAPSES = 90

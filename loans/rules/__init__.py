"""Pure rules of money and time: integers of fen, one rounding, no Django, no clock."""

"""Collateral: the mortgaged property, its registration and its valuations."""

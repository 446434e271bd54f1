"""Engines for the index, compared on the same made-up passages."""

"""Prose by a model: what it is told, how its answer is read, what of it is believed, and where that goes."""

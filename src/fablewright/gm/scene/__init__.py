"""Scenes: what one is made of, which part of the notes it plays, and who writes it."""

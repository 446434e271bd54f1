"""The game: notes, scenes, encounters and the three agents. No vendor."""

"""The rules of the game: dice, parties, creatures, how hard a fight is. Numbers only, nothing left to taste."""

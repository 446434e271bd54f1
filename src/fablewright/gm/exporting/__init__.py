"""What every export shares, whatever it is for: a scene's visible text, what players may see, what was edited."""

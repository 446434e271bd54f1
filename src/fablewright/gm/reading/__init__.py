"""Reading the GM's notes: from a folder's text to passages, statements, checks and secrets."""

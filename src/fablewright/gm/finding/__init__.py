"""Finding: what is looked for besides the words of a question, and how what is found becomes one list. Pure."""

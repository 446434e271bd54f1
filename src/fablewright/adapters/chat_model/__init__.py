"""Models behind OpenAI's protocol, through Haystack's chat generator."""

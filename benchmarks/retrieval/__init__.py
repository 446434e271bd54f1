"""How well and how fast passages are found: see ``python -m benchmarks.retrieval --help``."""

"""An MCP server: language models of other programs ask the same assistant, as tools and resources.

``tools`` and ``resources`` know what there is and nothing of the protocol; ``server`` speaks it through the official
SDK; ``stdio`` and ``http`` are the two ways in.
"""

"""Documents that are no text files become Markdown, in a process of their own that cannot harm this one.

``process`` is the side of the caller, ``worker`` the other one; ``frames`` are what they say to each other. The
worker knows a converter for each kind of file and imports it when the first such file comes: ``pdf``, ``docx``,
``html``, ``epub``, ``game_json`` (with ``lorebook`` and ``foundry``).
"""

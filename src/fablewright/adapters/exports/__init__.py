"""A scene in the formats of other programs, and back. One file a format; pure but for the PDF's, which needs a browser.

They stand here and not in ``gm``: each knows how one vendor's program writes and reads. What they share, a scene's
visible pieces, what players may see, what was edited, knows none and is ``gm/exporting``.
"""

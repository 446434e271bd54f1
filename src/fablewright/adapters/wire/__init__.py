"""Parcels as bytes, version 1: JSON that any program can read, from which only what was declared can be made.

``codec`` is the way in; ``frames`` is what stands around every body. ``forms`` finds out of a type how its values
travel: most as msgspec writes them, the others as something like them (``records``, ``unions``, ``anything``).
``failures`` is for what comes instead of a reply.
"""

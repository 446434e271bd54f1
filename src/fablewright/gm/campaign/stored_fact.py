"""A fact as the text that stores keep of it: JSON of the fields that say something."""

from __future__ import annotations

import json
from dataclasses import asdict

from fablewright.gm.campaign.events import KINDS, Fact

__all__ = ["fact_stored", "stored"]


def stored(fact: Fact) -> str:
    """Return a fact as a store keeps it; every store can keep it as text, whatever signs are in it."""
    fields = {key: value for key, value in asdict(fact).items() if value}
    data = json.dumps(fields, ensure_ascii=False)
    try:
        data.encode()
    except UnicodeEncodeError:  # half a sign, out of a damaged file
        return json.dumps(fields)
    return data


def fact_stored(data: str) -> Fact:
    """Read a fact; one that makes no sense is a note of what stands there, for what was logged is never lost."""
    try:
        fact = Fact(**json.loads(data))
    except (TypeError, ValueError):
        return Fact("note", data, secret=True)
    return fact if fact.kind in KINDS else Fact("note", data, secret=True)

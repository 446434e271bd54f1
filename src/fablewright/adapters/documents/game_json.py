"""JSON that game programs write: which program was it?"""

from __future__ import annotations

import codecs
import json

from fablewright.adapters.documents import foundry, lorebook
from fablewright.adapters.documents.source import Converted, RefusedDocument, Source

__all__ = ["convert"]


def convert(source: Source) -> Converted:
    """Return a lorebook or a journal as Markdown.

    Raises:
        RefusedDocument: It is no JSON, or not of a kind that has notes in it.
    """
    data = source.whole()
    utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        content = json.loads(data.decode("utf-16" if utf_16 else "utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RefusedDocument("it is no JSON: not a text file") from error
    except json.JSONDecodeError as error:
        raise RefusedDocument(f"it is no valid JSON (line {error.lineno})") from error
    converted = foundry.journal(content, source) or lorebook.lorebook(content, source)
    if converted is None:
        raise RefusedDocument("it is no SillyTavern lorebook and no Foundry journal")
    return converted

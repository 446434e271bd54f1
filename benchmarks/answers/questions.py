"""Questions with what a good answer has: passages it cites, words it says or must not say, and checks of numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.retrieval.questions import Cited

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Question", "read_questions"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        name: Its id.
        kind: Of which kind it is.
        words: What the GM types.
        folders: The subfolders of the corpus that are her notes; empty: all of them.
        cited: Passages that must lie in a citation of that file.
        said: What the answer must say; ``|`` between other ways to say it.
        unsaid: What it must not say.
        party: As the command line takes it: ``4x2``.
        rules: ``2024`` or ``2014``.
        checks: Named checks with what they must come to; see ``checks``.
    """

    name: str
    kind: str
    words: str
    folders: tuple[str, ...] = ()
    cited: tuple[Cited, ...] = ()
    said: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    party: str = "4x2"
    rules: str = "2024"
    checks: Mapping[str, Any] = field(default_factory=dict)


def read_questions(file: Path) -> list[Question]:
    """Read JSON lines; only ``prompt`` must be there."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [_question(row, number) for number, row in enumerate(rows, 1)]


def _question(row: dict[str, Any], number: int) -> Question:
    party = row.get("party") or {"size": 4, "level": 2}
    return Question(
        name=str(row.get("id", number)),
        kind=str(row.get("kind", "")),
        words=row["prompt"],
        folders=tuple(row.get("corpus", ())),
        cited=tuple(Cited(each["file"], each["passage"]) for each in row.get("must_cite", ())),
        said=tuple(row.get("must_mention", ())),
        unsaid=tuple(row.get("must_not_mention", ())),
        party=f"{party['size']}x{party['level']}",
        rules=str(party.get("rules", "2024")),
        checks=row.get("checks") or {},
    )

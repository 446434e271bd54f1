r"""All campaigns of one game master as they are in one moment, and the file that holds them.

The file is text, one JSON value a line, nothing but ASCII:

.. code-block:: json

    {"format": "fablewright-state", "version": 1, "campaigns": 2, "events": 41, "scenes": 3, "choices": 1}
    {"campaign": "Tuesday table"}
    {"event": ["k3f9x2ab", "2026-11-27", "", "{\"kind\": \"met\", \"text\": \"Joss\"}"]}
    {"scene": ["The Landing Stage", "2026-11-27", "{...}"]}
    {"choice": ["vault-0f3a9c51d27e8b64", "Tuesday table"]}
    {"sha256": "..."}

An ``event`` is its id, its day, the id that it stands after, and its fact as the store keeps it; events and scenes
belong to the campaign above them, in the order in which they came. A ``choice`` says which campaign is played with
some notes. The last line is the SHA-256 of all bytes before it, so that a file that was cut off or changed is known.
What a newer version wrote is refused, not guessed at.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from fablewright.errors import InvalidInput
from fablewright.gm.campaign.ports import CampaignStore, StoredScene

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Archive", "ArchivedCampaign", "LogRow", "StateStore", "archive_in", "file_of"]

_FORMAT = "fablewright-state"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class LogRow:
    """An event as it is stored, also if this version cannot make sense of its fact."""

    id: str
    day: str
    after: str
    fact: str


@dataclass(frozen=True, slots=True)
class ArchivedCampaign:
    """A campaign: its log as it grew, what was taken back too, and the scenes that are kept, the latest last."""

    name: str
    log: tuple[LogRow, ...] = ()
    scenes: tuple[StoredScene, ...] = ()


@dataclass(frozen=True, slots=True)
class Archive:
    """All that a store of campaigns holds.

    Attributes:
        campaigns: In the order in which they were begun.
        choices: Which campaign is played with which notes, in the order of the notes' keys.
    """

    campaigns: tuple[ArchivedCampaign, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def events(self) -> int:
        """How many events there are in all logs."""
        return sum(len(campaign.log) for campaign in self.campaigns)

    @property
    def scenes(self) -> int:
        """How many scenes are kept."""
        return sum(len(campaign.scenes) for campaign in self.campaigns)


class StateStore(CampaignStore, Protocol):
    """A store that can be carried elsewhere: all of it at once, all or nothing."""

    def archive(self) -> Archive:
        """Return everything that is stored, as it is in one moment."""
        ...

    def restore(self, archive: Archive, *, force: bool = False) -> None:
        """Store everything that an archive holds, or nothing.

        Args:
            archive: What.
            force: Whether what is there may be lost; all of it is replaced.

        Raises:
            InvalidInput: There is something already, and ``force`` was not given.
        """
        ...

    def close(self) -> None:
        """Let go of the store; closing twice is harmless."""
        ...


def file_of(archive: Archive) -> bytes:
    """Return the file of an archive."""
    content = "".join(json.dumps(line) + "\n" for line in _lines(archive)).encode("ascii")
    return content + json.dumps({"sha256": hashlib.sha256(content).hexdigest()}).encode("ascii") + b"\n"


def _lines(archive: Archive) -> Iterator[dict[str, Any]]:
    yield {"format": _FORMAT, "version": _VERSION, **_sizes(archive)}
    for campaign in archive.campaigns:
        yield {"campaign": campaign.name}
        for row in campaign.log:
            yield {"event": [row.id, row.day, row.after, row.fact]}
        for scene in campaign.scenes:
            yield {"scene": [scene.title, scene.on, scene.data]}
    for choice in archive.choices:
        yield {"choice": list(choice)}


def _sizes(archive: Archive) -> dict[str, int]:
    return {
        "campaigns": len(archive.campaigns),
        "events": archive.events,
        "scenes": archive.scenes,
        "choices": len(archive.choices),
    }


def archive_in(content: bytes) -> Archive:
    """Return what a file holds.

    Raises:
        InvalidInput: It is no such file, was cut off or changed, or a newer version wrote it; the message begins
            with a verb, for the file's name to stand before it.
    """
    if f'"{_FORMAT}"'.encode() not in content[:200]:
        raise InvalidInput("is no backup that `fablewright state backup` wrote")
    header = _object(content.partition(b"\n")[0])
    version = header.get("version")
    if not isinstance(version, int) or version > _VERSION:
        raise InvalidInput("was written by a newer Fablewright: update this one to read it")
    body, line_end, last = content.removesuffix(b"\n").rpartition(b"\n")
    if _object(last).get("sha256") != hashlib.sha256(body + line_end).hexdigest():
        raise InvalidInput("is damaged: it was cut off, or changed after it was written (its checksum does not fit)")
    archive = _archive_of(_object(line) for line in body.split(b"\n")[1:])
    if {**header, **_sizes(archive)} != header:
        raise InvalidInput("is damaged: it does not hold as much as its first line says")
    return archive


def _object(line: bytes) -> dict[str, Any]:
    """Return the object in a line; an empty one where there is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class _Open:
    """A campaign that is being read."""

    log: dict[str, LogRow] = field(default_factory=dict)
    scenes: list[StoredScene] = field(default_factory=list)


def _archive_of(lines: Iterator[dict[str, Any]]) -> Archive:
    campaigns: dict[str, _Open] = {}
    choices: dict[str, str] = {}
    current = _Open()
    for number, line in enumerate(lines, 2):
        match line:
            case {"campaign": str(name)} if name not in campaigns:
                current = campaigns[name] = _Open()
            case {"event": [str(own), str(day), str(after), str(fact)]} if campaigns and own not in current.log:
                current.log[own] = LogRow(own, day, after, fact)
            case {"scene": [str(title), str(day), str(data)]} if campaigns:
                current.scenes.append(StoredScene(title, day, data))
            case {"choice": [str(notes), str(name)]} if name in campaigns and notes not in choices:
                choices[notes] = name
            case _:
                raise InvalidInput(f"is damaged: line {number} makes no sense")
    return Archive(
        tuple(ArchivedCampaign(name, tuple(each.log.values()), tuple(each.scenes)) for name, each in campaigns.items()),
        tuple(sorted(choices.items())),
    )

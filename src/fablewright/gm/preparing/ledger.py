"""What keeps scenes that were accepted at the table, as a Protocol: a ledger; an adapter satisfies it.

The clocks of those who share a ledger may be hours apart. So none of them says how old an entry is, but the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Entry", "Ledger", "probe"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One text that is kept.

    Attributes:
        key: What it is kept under; letters, digits and hyphens.
        revision: Another number after each change of it.
        text: The text.
        age: Seconds since that change, by the ledger's one clock; infinite where it was before that clock began.
    """

    key: str
    revision: int
    text: str
    age: float


class Ledger(Protocol):
    """Keeps texts for several processes, any of which may die at any moment.

    Only who has seen the latest of an entry can change it: of two who try at once, one does. What a method has returned
    from is kept, also if the process is killed right after; what it may lose when the power fails, the adapter says.
    Every method may raise a ``FablewrightError`` that says what is wrong; whether it was done is not known then.
    """

    async def add(self, topic: str, key: str, text: str) -> bool:
        """Keep a text, in one write; return False if there is an entry of that key already."""
        ...

    async def read(self, topic: str, key: str) -> Entry | None:
        """Return an entry; None if there is none of that key."""
        ...

    async def entries(self, topic: str) -> tuple[Entry, ...]:
        """Return all entries of a topic."""
        ...

    async def swap(self, topic: str, key: str, revision: int, text: str) -> bool:
        """Write an entry anew; return False, and write nothing, if that revision is not its latest."""
        ...

    async def remove(self, topic: str, key: str, revision: int) -> bool:
        """Remove an entry without a trace; return False, and do nothing, if that revision is not its latest."""
        ...

    async def close(self) -> None:
        """Let go of files and connections; closing twice is harmless."""
        ...


async def probe(ledger: Ledger, key: str) -> None:
    """Keep something for a moment, as each scene is: what can be read may be full.

    Args:
        ledger: Which.
        key: One that nobody else uses.

    Raises:
        FablewrightError: Nothing can be kept there now.
    """
    await ledger.add("probe", key, "")
    entry = await ledger.read("probe", key)
    if entry is not None:
        await ledger.remove("probe", key, entry.revision)

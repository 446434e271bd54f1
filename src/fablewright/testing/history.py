"""A kept run: its scenario and its trace in a file of JSON lines, to be run again and compared.

The first line is the scenario, each further line an event. What a file says that is not so any more shows the
first event at which the bus behaves otherwise than when the file was written::

    python -m fablewright.testing replay 17 --in-order --save tests/simulation/golden/crash.jsonl
    python -m fablewright.testing replay tests/simulation/golden/crash.jsonl            # the same still?
    python -m fablewright.testing replay tests/simulation/golden/crash.jsonl --renew    # it should differ

The order of what falls on one instant depends on how many turns of the loop things take, in the bus and in
asyncio. So a shuffled history changes with every optimisation; one that is kept for its behaviour is better
``--in-order``. Either holds for the minor version of Python that it was written with; its scenario runs everywhere.
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.testing.scenario import from_json, to_json

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.testing.scenario import Scenario
    from fablewright.testing.simulation import Run

__all__ = ["History", "load", "save"]

_PYTHON = ".".join(platform.python_version_tuple()[:2])


@dataclass(frozen=True, slots=True)
class History:
    """What a file holds.

    Attributes:
        scenario: What was run.
        python: By which version.
        lines: What happened then.
    """

    scenario: Scenario
    python: str
    lines: list[str]

    @property
    def is_comparable(self) -> bool:
        """Whether this Python would run it in the same order."""
        return self.python == _PYTHON

    def difference(self, run: Run) -> str:
        """Return the first difference of a run from this history, in words for a person; empty if there is none."""
        for number, (then, now) in enumerate(zip_longest(self.lines, run.trace.lines()), start=2):
            if then != now:
                return f"line {number}: it was {then or 'over'}, and is {now or 'over'}"
        return ""


def save(run: Run, path: Path) -> None:
    """Write a run to a file."""
    head = json.dumps({"python": _PYTHON, "scenario": to_json(run.scenario)})
    path.write_text("\n".join([head, *run.trace.lines(), ""]), "utf-8")


def load(path: Path) -> History:
    """Read a file that ``save`` has written.

    Raises:
        InvalidInput: It is no history.
        OSError: It cannot be read.
    """
    head, *lines = path.read_text("utf-8").splitlines() or [""]
    try:
        data = json.loads(head)
        return History(from_json(data["scenario"]), data["python"], lines)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} is no history of a simulated run: {error!r}") from error

"""``python -m benchmarks.prose``: how often a model's prose gets through the gate, and what turns the rest away.

Asks for a scene at each place that the notes have a heading for, has the model write prose for it, and counts. The
small model on this machine is what it is for; ``--url`` and ``--model`` ask another.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.entry.assemble import assistant, open_notes, sample_campaign
from fablewright.entry.config import Settings
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.writer import WriteProse, in_prose

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer
    from fablewright.gm.scene.scenario import Line, Scene
    from fablewright.gm.writing.grounds import Flaw
    from fablewright.gm.writing.parts import Part
    from fablewright.runtime.bus import Bus


@dataclass(slots=True)
class Tally:
    """What came of all requests.

    Attributes:
        scenes: How many were asked for, and how many have a part in the model's words.
        tried: By part: how often the model wrote it, also in another shape.
        kept: By part: how often at least one sentence of it was used.
        flaws: What turned sentences away.
        failed: Why no prose came at all.
        first: Seconds until the first part had come.
        last: Seconds until the last.
    """

    scenes: Counter[str] = field(default_factory=Counter)
    tried: Counter[Part] = field(default_factory=Counter)
    kept: Counter[Part] = field(default_factory=Counter)
    flaws: Counter[Flaw] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)


def places(folder: Path, most: int) -> list[str]:
    """Return a request for each heading of the Markdown notes but the title, spread evenly over them."""
    headings = [
        line.lstrip("#").strip()
        for file in sorted(folder.rglob("*.md"))
        for line in file.read_text("utf-8", "replace").splitlines()
        if line.startswith("##")
    ]
    chosen = list(dict.fromkeys(headings))
    step = max(1, len(chosen) // most)
    return [f"The party comes to this: {heading}" for heading in chosen[::step][:most]]


async def write(bus: Bus, words: str, answer: Answer, timeout: float, tally: Tally, *, show: bool) -> None:
    """Have prose written for one scene, and count what came of it."""
    tally.scenes["asked"] += 1
    if answer.scene is None:
        return
    began, latest = time.monotonic(), None
    async with contextlib.aclosing(
        in_prose(bus, WriteProse(words, answer.scene, answer.citations), timeout=timeout)
    ) as pieces:
        async for prose in pieces:
            latest = prose
            if prose.part is not None:
                if len(tally.first) < tally.scenes["asked"] - sum(tally.failed.values()):
                    tally.first.append(time.monotonic() - began)
                tally.tried[prose.part] += 1
                tally.kept[prose.part] += prose.is_new
    if latest is None:
        return
    tally.last.append(time.monotonic() - began)
    tally.scenes["with prose"] += bool(latest.woven)
    tally.flaws.update(flaw for _, flaw in latest.flaws)
    if not latest.flaws and not latest.woven:
        tally.failed.update(latest.missing)
    if show:
        before = set(_lines(answer.scene))
        for line in _lines(latest.scene):
            if line not in before:
                print(f"  {line.origin.value}: {line.text}")


def _lines(scene: Scene) -> list[Line]:
    options = (option.action for option in scene.options)
    return [*scene.read_aloud, *scene.here, *options, *scene.consequences]


async def run(settings: Settings, folder: Path, most: int, *, show: bool) -> Tally:
    """Ask for a scene at each place, one after the other: a CPU has time for one."""
    tally = Tally()
    async with assistant(settings, open_notes(settings, [folder])) as bus:
        for words in places(folder, most):
            request = HandleRequest(words, want="scene", seed=1, prose=False)
            answer = await bus.ask("orchestrator", request, timeout=60.0)
            await write(bus, words, answer, settings.model_timeout, tally, show=show)
            print(".", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    return tally


def report(name: str, tally: Tally) -> None:
    """Print what was counted."""
    print(f"\n{name}: {tally.scenes['asked']} scenes, {tally.scenes['with prose']} with a part in the model's words")
    for part, tried in tally.tried.items():
        print(f"  {part.words:<24} {tally.kept[part]:>4} of {tried:>4}")
    turned = sum(tally.flaws.values())
    print(f"  turned away: {turned} sentences or parts")
    for flaw, count in tally.flaws.most_common():
        print(f"    {count:>4}  {flaw.value}")
    for reason, count in tally.failed.most_common():
        print(f"    {count:>4}  {reason}")
    if tally.first:
        first, last = statistics.median(tally.first), statistics.median(tally.last)
        print(f"  first part after {first:.1f} s, last after {last:.1f} s (medians)")


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prose", description=__doc__)
    parser.add_argument("--notes", type=Path, nargs="*", default=[sample_campaign()], help="folders with notes")
    parser.add_argument("--model", default="local", help="as the setting of that name [local]")
    parser.add_argument("--url", default="", help="as the setting model_url")
    parser.add_argument("--most", type=int, default=10, help="scenes for each folder [10]")
    parser.add_argument("--timeout", type=float, default=180.0, help="seconds for the prose of one scene [180]")
    parser.add_argument("--show", action="store_true", help="print the sentences that got through")
    given = parser.parse_args()
    for folder in given.notes:
        with tempfile.TemporaryDirectory() as data:
            settings = Settings(
                data_dir=Path(data), model=given.model, model_url=given.url, model_timeout=given.timeout
            )
            report(folder.name, asyncio.run(run(settings, folder, given.most, show=given.show)))


if __name__ == "__main__":
    main()

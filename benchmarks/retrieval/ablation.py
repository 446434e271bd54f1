"""What each step of a search brings: all steps, all but one, and none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.gm.finding.options import ALL_STEPS, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.finding.options import FindingOptions

__all__ = ["variants"]


def variants() -> Iterator[tuple[str, FindingOptions]]:
    """Yield each variant with what to call it."""
    yield "all steps", ALL_STEPS
    for step in STEPS:
        yield f"without {step}", replace(ALL_STEPS, **{step: False})
    yield "words alone", replace(ALL_STEPS, **dict.fromkeys(STEPS, False))

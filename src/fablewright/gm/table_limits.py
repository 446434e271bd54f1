"""The lines and veils of the table, for every agent that writes something for play."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, RequestFailed
from fablewright.gm.haystack_pipeline import FindLimits, HaystackPipeline
from fablewright.gm.reading.limits import NO_LIMITS

if TYPE_CHECKING:
    from fablewright.gm.reading.limits import Limits
    from fablewright.runtime.context import Context

__all__ = ["find_limits"]


async def find_limits(ctx: Context, *, within: float = 0.5) -> Limits:
    """Return the limits; none when the notes cannot be searched, which another search tells.

    Args:
        ctx: The bus.
        within: Seconds, at most half of what is left; whoever has searched the notes before is answered at once.
    """
    try:
        return await ctx.ask(HaystackPipeline.name, FindLimits(), timeout=min(within, ctx.remaining / 2))
    except (RequestFailed, ContractViolation):
        return NO_LIMITS

"""langgraph: a compiled graph of one node, ``ainvoke`` once per request; the caller adds the deadline."""

from __future__ import annotations

import asyncio
from typing import TypedDict

from langgraph.graph import END, START, StateGraph

from benchmarks.runtime.contestant import DEADLINE
from benchmarks.runtime.peers.gated import Gated

__all__ = ["LangGraph"]


class _State(TypedDict):
    n: int


class LangGraph(Gated):
    """Two graphs: one answers at once, one waits."""

    name = "langgraph"
    every = 6
    crowd = 1_000

    async def start(self) -> None:
        """Compile the graphs."""

        async def add(state: _State) -> _State:
            return {"n": state["n"] + 1}

        async def hold(state: _State) -> _State:
            await self.gate.wait()
            return {"n": state["n"] + 1}

        graphs = []
        for node in (add, hold):
            graph = StateGraph(_State)
            graph.add_node("node", node)
            graph.add_edge(START, "node")
            graph.add_edge("node", END)
            graphs.append(graph.compile())
        self._add, self._hold = graphs

    async def ask(self, n: int) -> int:
        """Invoke, inside a time-out."""
        async with asyncio.timeout(DEADLINE):
            return int((await self._add.ainvoke({"n": n}))["n"])

    async def hold(self, n: int, timeout: float) -> int:
        """Invoke, inside a time-out."""
        async with asyncio.timeout(timeout):
            return int((await self._hold.ainvoke({"n": n}))["n"])

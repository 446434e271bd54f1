"""The API that agents were written for before: it lives on, on the one bus.

A module that says ::

    from fablewright.runtime.legacy import AgentMessage, BaseAgent, MessageType

where it said ``from agent_framework import ...`` runs unchanged: handlers are plain functions, called one after the
other on a thread of their agent's own. Underneath, each request is an ask of ``fablewright.runtime.bus``: it has a
deadline and one outcome. ``docs/how-to/move-from-the-old-api.md`` shows it, and how old agents and new ones mix.
"""

from __future__ import annotations

from fablewright.runtime.legacy.agent import BaseAgent
from fablewright.runtime.legacy.message import AgentMessage, LegacyMessage, MessageType
from fablewright.runtime.legacy.message_bus import MessageBus
from fablewright.runtime.legacy.orchestrator import AgentOrchestrator

__all__ = ["AgentMessage", "AgentOrchestrator", "BaseAgent", "LegacyMessage", "MessageBus", "MessageType"]

"""The agent runtime: asyncio and the standard library only."""

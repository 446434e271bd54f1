"""The table of settings in ``docs/configuration.md``, made from the class so that it cannot go stale."""

from __future__ import annotations

import msgspec

from fablewright.entry.config import PREFIX, Settings, expected

__all__ = ["settings_table"]


def settings_table() -> str:
    """Return a Markdown table with a line for every setting."""
    lines = ["| key | default | values | what it does | environment |", "|---|---|---|---|---|"]
    for setting in msgspec.structs.fields(Settings):
        meta = setting.type.__metadata__[0]
        default = (meta.extra or {}).get("default") or f"`{_toml(setting.default)}`"
        lines.append(
            f"| `{setting.name}` | {default} | {expected(setting.name)} | {meta.description} "
            f"| `{PREFIX}{setting.name.upper()}` |"
        )
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return str(list(value)) if isinstance(value, tuple) else str(value)

"""Tone without a model: which of several texts sounds more like what is wanted, by the words in it.

Nothing is ever reworded. A tone only says what comes first, or which row of a table chance may draw.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TONES", "Tone", "in_tone", "tone_first"]

Tone: TypeAlias = Literal["grim", "light", "eerie", "heroic"]
TONES: tuple[Tone, ...] = get_args(Tone)

_T = TypeVar("_T")

_STEMS: dict[Tone, str] = {
    "grim": "blood|bone|dead|death|die[sd]?|corpse|grave|hang(?:ed|ing)|wound|rot(?:s|ten|ting)?|ash(?:es)?|burn|ruin|"
    "starv|hunger|plague|murder|kill|grief|mourn|widow|cruel|prison|chain|fear|cold|debt|harm|lost|hunt|knife",
    "light": "laugh|joke|song|sing|danc|feast|cake|pie|jam|goose|dog|cat|hat|boot|sock|pudding|cheerful|merry|funny|"
    "tickl|sweet|beer|wager|festival|party|whistl|grin|friend|gift|picnic|balloon|actor|supper",
    "eerie": "fog|mist|whisper|silen(?:t|ce)|shadow|dark|ghost|spirit|dream|sleep|voice|hum(?:s|ming)?|knock|mirror|"
    "strange|pale|moon|midnight|candle|breath|watch(?:es|ing)|nobody|never|alone|footprint|backward|weeps?|eyes|echo",
    "heroic": "hero|brave|rescu|save[sd]?|sav(?:es|ing)|defend|protect|oath|banner|honou?r|glory|courage|charge|"
    "stand|sword|fire|storm|bridge|gate|people|children|free|victory|king|queen|dragon|rally|leap",
}
_PATTERNS = {tone: re.compile(rf"\b(?:{stems})\w{{0,4}}\b", re.IGNORECASE) for tone, stems in _STEMS.items()}


def tone_first(items: Sequence[_T], tone: Tone | None, said: Callable[[_T], str]) -> tuple[_T, ...]:
    """Return the same items, those that sound like a tone first, else in their order."""
    if tone is None:
        return tuple(items)
    return tuple(sorted(items, key=lambda item: -_weight(said(item), tone)))


def in_tone(items: Sequence[_T], tone: Tone | None, said: Callable[[_T], str]) -> Sequence[_T]:
    """Return those items that sound like a tone; all of them when none does, or without a tone."""
    if tone is None:
        return items
    return [item for item in items if _weight(said(item), tone)] or items


def _weight(text: str, tone: Tone) -> int:
    return len({match[0].casefold() for match in _PATTERNS[tone].finditer(text)})

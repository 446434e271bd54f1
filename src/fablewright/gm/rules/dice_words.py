"""The dice of a request in plain words: "roll a d20 with advantage" is ``2d20kh1``, "4d6 drop lowest" ``4d6dl1``.

Three kinds of request are for dice:

* "roll" and dice or a sum; what follows the dice says what they are for and is left out;
* "roll" and a check that goes by one d20: initiative, a saving throw, a skill;
* dice or a sum alone, followed at most by words that say what they are for ("1d20+5 to hit").

What looks like dice and is wrong stays as it is, so that whoever reads it can say what is wrong.
"""

from __future__ import annotations

import re

__all__ = ["dice_in"]

_ASKS = re.compile(
    r"^\W*(?:(?:please|now|ok(?:ay)?|can you|could you|let'?s|let me|i(?:'ll| will)?|we|gm|dm|do|make)\b\W*)*"
    r"(?P<verb>re-?roll|rolls?|throw|dice)\b\W*(?:(?:me|us|a|an|the|my|another|some|for|up|dice)\b\s*)*",
    re.IGNORECASE,
)
_ASKS_SUM = re.compile(r"^\W*(?:what(?:'s| is)|how much is|calculate|compute)\s+", re.IGNORECASE)
_DIE = r"(?:\d{0,6}\s?d\s?(?:\d{1,9}|%)!?)"
_EXPRESSION = re.compile(
    rf"(?:adv(?:antage)?|dis(?:advantage)?|{_DIE}|\d{{1,12}})(?:\s*(?:[dk][hl]\s?\d{{0,6}}|[-+*x×−–](?=\W*\d|\W*d\d)"
    rf"|adv(?:antage)?(?![a-z])|dis(?:advantage)?(?![a-z])|{_DIE}|\d{{1,12}}))*+",
    re.IGNORECASE,
)
_LOOKS_LIKE_DICE = re.compile(
    r"^[\s\d+\-−–*×x/#()]*(?:d(?:\d+|%|f\b)|(?:adv|dis)(?:antage)?\b)[\dd%fkhlrmioadvs!x×*/÷<>=≥≤+()\-−–\s]*$",
    re.IGNORECASE,
)
_EXCLAIMED = re.compile(r"((?:^|[^d\d])\s*\d{1,12})!+$", re.IGNORECASE)
_OFTEN = re.compile(
    r"[,\s]+(?P<number>twice|(?:\d{1,3}|two|three|four|five|six|seven|eight|nine|ten) times)$", re.IGNORECASE
)
_SUM = re.compile(r"^\s*[-−–]?\d+(?:\s*[-+*x×−–]\s*\d+)+\s*=?\s*$", re.IGNORECASE)
_NUMBERS = dict(zip("two three four five six seven eight nine ten".split(), range(2, 11), strict=True))
_WORD_BEFORE_DIE = re.compile(rf"\b({'|'.join(_NUMBERS)})\s+(?=d\s?\d)", re.IGNORECASE)
_PLURAL_DIE = re.compile(r"(?<=\d)'?s\b", re.IGNORECASE)
_SIDED = re.compile(r"(?P<sides>\d{1,9})[- ]sided(?: dice?)?\b", re.IGNORECASE)
_SIGNS = (
    (re.compile(r"(?<!\s)\s+(?:plus|and(?=\s+\d{0,6}d\d))\s+", re.IGNORECASE), "+"),
    (re.compile(r"(?<!\s)\s+minus\s+", re.IGNORECASE), "-"),
)
_PICK = re.compile(
    r"[,\s(]*\b(?:and\s+)?(?P<verb>drop|keep|discard|take)(?:p?ing|s|ped)?\s+(?:(?:the|only|best|\d{1,3}|of)\s+){0,3}?"
    r"(?P<before>\d{1,3}\s+|two\s+|three\s+)?(?P<end>highest|higher|high|lowest|lower|low|best|worst)"
    r"(?:\s+(?P<after>\d{1,3}|one|two|three))?\)?",
    re.IGNORECASE,
)
_UPPER = frozenset("highest higher high best".split())
_ADVANTAGE = re.compile(
    r"[,\s(]*\b(?:(?:with|at|has|have|and|on)\s+)?(?P<which>dis|adv)(?:antage|advantage)?(?![a-z])\)?", re.IGNORECASE
)
_D20 = re.compile(r"(?<![\w.])1?\s?d\s?20(?![\d!])(?!\s?[dk][hl])", re.IGNORECASE)
_MODIFIER = re.compile(r"[-+−–]\s?\d{1,4}\b")
_PERCENTILE = re.compile(r"\bpercentiles?(?: dice| die)?\b", re.IGNORECASE)
_GOES_BY_D20 = re.compile(
    r"^(?:initiative|death|attacks?|to hit|saving throws?|saves?|strength|dexterity|constitution|intelligence|wisdom"
    r"|charisma|str|dex|con|int|wis|cha|acrobatics|animal handling|arcana|athletics|deception|history|insight"
    r"|intimidation|investigation|medicine|nature|perception|performance|persuasion|religion|sleight of hand|stealth"
    r"|survival|(?:ability|skill|group) check)\b",
    re.IGNORECASE,
)
_PURPOSES = frozenset(
    """
    a an and again attack attacks bludgeoning check cold critical crit damage dc death each extra fire for force
    healing hit hp initiative it lightning magic melee my necrotic of per piercing please points psychic radiant
    ranged roll rolls round save saves saving slashing sneak spell the this throw thunder to acid poison total
    turn with strength dexterity constitution intelligence wisdom charisma stealth perception
    """.split()
)
_LONGEST = 200
"""Characters; nobody says more than that to have dice rolled."""


def dice_in(words: str) -> str | None:
    """Return the dice expression of a request to roll, right or wrong; None when it is no such request."""
    if len(words) > _LONGEST:
        return None
    text = _EXCLAIMED.sub(r"\1", words.strip().rstrip(".?").rstrip())
    if _LOOKS_LIKE_DICE.match(text):
        return text
    asked = _ASKS.match(text)
    rest = text[asked.end() :] if asked else _ASKS_SUM.sub("", text, count=1)
    if asked and _LOOKS_LIKE_DICE.match(rest):
        return rest
    often = _OFTEN.search(rest)
    if often and (once := _read(rest[: often.start()], asked=asked is not None)):
        number = often["number"].lower().removesuffix(" times")
        return f"{2 if number == 'twice' else _NUMBERS.get(number, number)}x {once}"
    if _SUM.match(rest):
        return rest.rstrip("= ")
    return _read(rest, asked=asked is not None)


def _read(rest: str, *, asked: bool) -> str | None:
    """Read dice and what they are for; ``asked`` when somebody said "roll", and so any purpose will do."""
    text = _plain(rest)
    text, advantage = _advantage(text)
    pick = _PICK.search(text)
    if pick:
        text = f"{text[: pick.start()]}{_picked(pick)} {text[pick.end() :]}"
    found = _EXPRESSION.match(text)
    if found is None:
        if not (asked and (_GOES_BY_D20.match(text) or (advantage and not text.strip(" .!")))):
            return None
        modifier = _MODIFIER.search(text)
        return _with(advantage, f"1d20{modifier[0] if modifier else ''}")
    expression, purpose = found[0].strip(), text[found.end() :]
    if re.match(r"\s*[-+*×−–\d]|\w", purpose):
        return rest.strip() if asked else None  # something is wrong in it: it is named when it is read as dice
    if not asked and not (re.search(r"\dd|\bd\d", expression, re.IGNORECASE) and _is_purpose(purpose)):
        return None
    return _with(advantage, expression)


def _plain(text: str) -> str:
    text = _PERCENTILE.sub("d100", text)
    text = _SIDED.sub(r"d\g<sides>", text)
    text = _WORD_BEFORE_DIE.sub(lambda match: str(_NUMBERS[match[1].lower()]), text)
    for sign, written in _SIGNS:
        text = sign.sub(written, text)
    return _PLURAL_DIE.sub("", text).strip()


def _advantage(text: str) -> tuple[str, str]:
    """Take "with advantage" out of a text that says more than that; return also "kh1", "kl1" or nothing."""
    match = _ADVANTAGE.search(text)
    if match is None or (match.start() == 0 and match.end() < len(text) and not text[match.end() :].startswith(" on")):
        return text, ""
    return f"{text[: match.start()]} {text[match.end() :]}".strip(), "kh1" if match["which"].lower() == "adv" else "kl1"


def _with(advantage: str, expression: str) -> str:
    return _D20.sub(f"2d20{advantage}", expression, count=1) if advantage else expression


def _picked(match: re.Match[str]) -> str:
    number = (match["after"] or match["before"] or "1").strip().lower()
    count = {"one": 1, "two": 2, "three": 3}.get(number) or int(number)
    verb = "d" if match["verb"].lower() in ("drop", "discard") else "k"
    return f"{verb}{'h' if match['end'].lower() in _UPPER else 'l'}{count}"


def _is_purpose(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text.lower())
    if words[:2] == ["to", "hit"] or words[:1] == ["damage"] or words[1:2] == ["damage"]:
        return True  # whom it hits may follow
    return all(word in _PURPOSES for word in words) and not re.search(r"\d", text)

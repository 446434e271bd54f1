"""What a person wants, from the words alone: a scene, a question answered, an encounter, dice, the status or help.

Plain rules in a fixed order, the most telling first; whatever none of them knows is a scene, for that is
what a game master mostly asks for:

1. ``status`` and small talk, which say nothing else; dice; what is for the campaign's log: an option that is chosen
   ("choose 2"), something to remember ("log: Tull is dead"), "undo", a recap for the players.
2. What the players are about to see or do ("what do they see", "what happens when they …"): a scene.
3. A fight to be weighed: "how hard", "too deadly", "balanced" count only beside a word for a fight or a
   creature that the rules know. "How hard is it to pick the lock?" is a question, "balance of power" is neither.
4. The rules by name ("rules for grappling"); somebody or some treasure to be made up ("give me an NPC").
5. A question word, or "tell me who …": a question, whatever follows.
6. A fight to be built, or nothing but creatures and their numbers ("2 ogres and 4 goblins").
7. A scene by name; what ends in a question mark; all the rest is a scene too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.follow_up import direction_in
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.dice_words import dice_in
from fablewright.gm.rules.encounter import difficulty_named
from fablewright.gm.rules.party import Party
from fablewright.gm.rules.unknown import is_list_of_foes, unknown_foes
from fablewright.gm.scene.note_kind import is_sheet_title
from fablewright.gm.small_talk import is_small_talk

if TYPE_CHECKING:
    from fablewright.gm.answer import Want
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.rules.budget import Rules

__all__ = ["dice_in", "difficulty_in", "intent_of", "is_about_stats", "is_ordered", "is_to_be_rated", "party_in"]

_PLAYERS = r"(?:they|we|(?:the|my|our) (?:party|players|characters|heroes|group|pcs|adventurers))"
_FIGHT = r"(?:fights?|combats?|battles?|encounters?|boss(?:es)?|ambush(?:es)?|skirmish(?:es)?|showdown)"
_GRADE = r"(?:hard|deadly|difficult|dangerous|tough|challenging|easy|strong|weak|lethal|balanced|fair|winnable)"
_KEY = (
    r"(?:ac|armou?r class|hp|hit points|dcs?|cr|pace|damage|price|costs?|range|duration|speed|casting time|rules?|name|"
    r"meaning)"
)
_POLITE = re.compile(
    r"^\W*(?:(?:(?:please|ok(?:ay)?|now|so|and|hey|hi|hello|well|um|actually|quick question)\b\W*)|"
    r"(?:(?:can|could|would|will) (?:you|we|i(?! describe\b)) (?:please )?"
    r"(?=(?:make|build|create|give|generate|design|describe|set|"
    r"show|tell|prepare|write|run|rate|balance|summari[sz]e|recap|remind|improvise|invent|play|do|have|get)\b)))*",
    re.IGNORECASE,
)
_SIGNS = " .?!,;:-)(\"'*…”“"
_STATUS = re.compile(r"^\W*(?:status|health|are you (?:there|ok(?:ay)?|up)|how are you)\W*$", re.IGNORECASE)
_OF_THE_LOG: tuple[tuple[Want, re.Pattern[str]], ...] = (
    (
        "undo",
        re.compile(
            r"^\W*(?:undo|take (?:that|this|it) back)(?:\W+(?:that|this|it|the last(?: one)?))?"
            r"(?:\W+[a-z2-9]{8}(?:-\d{1,3})?)?\W*$",
            re.IGNORECASE,
        ),
    ),
    (
        "recap",
        re.compile(
            r"^\W*(?:please )?(?:(?:an? |the )?(?:recap|summary)\b.{0,40}\bplayers?\b|"
            r"(?:recap|summari[sz]e) (?:the |our )?(?:campaign|log)\W*$)",
            re.IGNORECASE,
        ),
    ),
    (
        "choose",
        re.compile(
            r"^\W*(?:(?:so |then |and )?(?:they|we|the (?:party|players|characters)) )?(?:choose|chooses|chose)\b"
            r"(?!\s+(?:an?|some|me|my|your|for|random|between|from)\b)\W*\S|"
            r"^\W*(?:(?:they|we) (?:take|pick|go with) )?option (?:\d{1,2}|one|two|three|four|five|six)\b[^?]{0,40}$|"
            r"^\W*\d{1,2}\W*$",
            re.IGNORECASE,
        ),
    ),
    (
        "log",
        re.compile(
            r"^\W*(?:please )?(?:(?:log|remember|note|write down)(?: add| that)?:\s*|"
            r"log (?:add|that) |remember that )\S|"
            r"^\W*(?:show |open )?(?:me )?(?:the |our |my )?(?:campaign )?log\W*$|"
            r"^\W*(?:we|they) (?:have )?(?:just )?played (?:it|that|this|the scene)\W*$",
            re.IGNORECASE,
        ),
    ),
)
"""What begins so is for the campaign's log, whatever follows."""
_SEEN_OR_DONE = re.compile(
    rf"\bwhat (?:do|does|can|will|would|did) {_PLAYERS} (?:see|hear|smell|find|notice|encounter|meet|come (?:up)?on)|"
    rf"\bwhat happens (?:when|if|as|once|after) {_PLAYERS}\b|"
    r"\bwhat (?:happens|comes|is|'s)(?: next| now)\b|\bwhat'?s next\b|\bwhat happens$|^describe\b",
    re.IGNORECASE,
)
_SCENE = re.compile(r"\bscenes?\b|\bscenario\b|\bread-?aloud\b|\bset the stage\b|\bdescribe\b", re.IGNORECASE)
_NAMED_ENCOUNTER = re.compile(
    rf"\b(?:first|second|third|next|opening|last|final|this|that)\s+{_FIGHT}\b", re.IGNORECASE
)
_WEIGH = re.compile(
    rf"\bhow {_GRADE}\b|\b(?:too|very|so|that|really) {_GRADE}\b|\b(?:un)?balanced?\b(?! of\b)|\bdifficulty\b|"
    rf"^(?:is|are|was|would|will|should)\b.*\b{_GRADE}\b|\brate\b|"
    r"\b(?:vs|versus|against) (?:my|our) (?:party|table|players|group|heroes|characters)\b|"
    r"\b(?:beat|handle|survive|defeat|kill|slaughter|wipe(?: out)?|tpk|take on|win (?:against|this|the|that))\b|"
    r"^(?:is|are|was|were|would|will)\b.*\b(?:ok(?:ay)?|alright|fine|doable|fair|too (?:much|many|strong))\b",
    re.IGNORECASE,
)
_ASKS_OR_RATES = re.compile(
    r"(?:^|[.?!]\s+)(?:how|is|are|was|would|will|should|can|could|do|does|what|which|rate|balance|tell me how)\b|"
    r"\bhow\b|\b(?:for|vs|versus|against) (?:my|our|the) (?:party|table)|"
    r"\bbalanced?\b|\brate\b",
    re.IGNORECASE,
)
_ORDERED = re.compile(
    r"^(?:i (?:need|want)|we need|build|make|give (?:me|us)|create|generate|design|need|want|invent|improvise|prepare|"
    r"suggest|set up|throw)\b(?! to know)(?!.{0,20}\brat(?:e|ing)\b)",
    re.IGNORECASE,
)
_TO_DO = re.compile(
    rf"\bhow {_GRADE} (?:is|are|was|would|will|might) (?:it|that|this)(?: be)?(?: for \w+(?: \w+)?)? to "
    r"(?!(?:fight|beat|kill|slay|defeat|battle|survive|win|take)\b)",
    re.IGNORECASE,
)
_HOW_TO = re.compile(
    r"^how (?:do|can|could|should|would|might) (?:i|we|one|you) (?!(?:keep|make)\b.{0,60}\b(?:fair|balanced)\b)"
    r"(?:change|adjust|scale|tune|raise|lower|speed|slow|run|handle|track|narrate|start|end|make|turn|improvise)\b",
    re.IGNORECASE,
)
"""How to go about fights in general is advice, and no fight."""
_FIGHT_WORD = re.compile(rf"\b{_FIGHT}\b", re.IGNORECASE)
_BUDGET = re.compile(
    rf"\bxp budget\b|\bwhat(?:'s| is| would be| makes)? an? (?:\w+ )?(?:{_GRADE}|low|moderate|medium|high|good|decent) "
    rf"{_FIGHT}\b",
    re.IGNORECASE,
)
_BUILD = re.compile(
    rf"\b(?:build|make|give|create|generate|design|need|want|invent|improvise|prepare|suggest|set up|throw)\b"
    rf"[^.?!]{{0,120}}\b{_FIGHT}\b|"
    rf"\b(?:easy|low|medium|moderate|hard|high|deadly|random|balanced)(?:-difficulty)? (?:\w+ )?{_FIGHT}\b",
    re.IGNORECASE,
)
_OPENS_WITH_FIGHT = re.compile(rf"^(?:an? |the )?{_FIGHT}(?: (?:with|against|of|vs|versus|between)\b|:)", re.IGNORECASE)
_STATS = re.compile(r"\bstats?\b|\bstat-?blocks?\b|\bstatistics\b", re.IGNORECASE)
_ROUND_CREATURES = frozenset(
    """
    a an and or of the for my our your party group table players characters heroes pcs level vs versus against with
    plus give me us add spawn show need want get have i let's put in please rate stat stats block blocks statblock
    statistics xp cr budget difficulty fight some more another two three four five six seven eight
    """.split()
)
_MAKE = (
    r"(?:make|give|create|generate|design|need|want|invent|improvise|roll(?: up)?|come up with|show|add|another|random)"
)
_PERSON_WANTED = re.compile(
    rf"^(?:an? )?(?:new |random |quick )?npcs?\b|\b{_MAKE}\b(?: \w+){{0,3}} (?:npcs?|strangers?|passers?-?by|person|"
    r"villager|local|somebody|someone)\b",
    re.IGNORECASE,
)
_LOOT_WANTED = re.compile(
    r"^(?:some |random )?(?:loot|treasure|hoard)(?: (?:for|from|on|at|cr|level|worth)\b.*)?$|"
    rf"\b{_MAKE}\b(?: \w+){{0,3}} (?:loot|treasure|hoard|valuables)\b",
    re.IGNORECASE,
)
_RULES_ASKED = re.compile(
    r"^rules? ?(?:question)?[:,]|^(?:the )?rules? (?:for|on|of|about)\b|\bby the (?:rules?|book)\b|\brules? say\b|"
    r"\b(?:what|how)\b.*\bin the rules\b|^what(?:'s| is| are) the rules?\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^(?:who|whom|whose|what|when|where|why|which|how)(?:'s|'re|'d|s)?\b|"
    r"^(?:is|are|was|were|do|does|did|has|have|had|can|could|may|might|will|would|should|am|isn't|aren't|doesn't|"
    r"didn't|don't|wasn't|can't)\b|"
    r"^(?:(?:tell|remind|show) (?:me|us)|(?:do |does |did )?(?:you|we|i|anyone) (?:know|remember|recall)|i (?:forget|"
    r"forgot|wonder)|any idea|no idea|look up|find out|let me know)\b[^.!?]*?\b"
    r"(?:who|whom|whose|what|when|where|why|which|how|whether|if|about|of)\b|"
    r"^(?:recap|summari[sz]e|summary|previously|look up|remind me|refresh my memory)\b|"
    r"\b(?:last|previous) session$|\bwhere (?:did )?we (?:stop|left|leave|end)|"
    rf"^(?:the )?{_KEY} (?:of|for|on|about)\b|\b{_KEY}$|"
    r"\b(?:what|how|when|which|who)\b.{0,20}\b(?:do|should|can|could|would|must) i\b|"
    r"^(?:(?:write|give|make|do|need|want|i need|i want) (?:me |us )?)?(?:an? |the )?(?:\w+ ){0,3}"
    r"(?:recap|summary)\b|"
    rf":[^.?!]*,[^.?!]*\b{_KEY}\b|:[^.?!]*\b{_KEY}\b[^.?!]*,",
    re.IGNORECASE,
)
_ASKS_TO_SHOW = re.compile(rf"\bwhat {_PLAYERS} (?:see|hear|smell|find|notice)", re.IGNORECASE)
_DIFFICULTY = re.compile(
    rf"\b(?P<plain>easy|hard|deadly)\b|"
    rf"\b(?P<graded>low|high)[ -](?:(?:level|threat|risk)[ -])?(?:difficulty|challenge|{_FIGHT})\b|"
    rf"\b(?P<middle>medium|moderate)(?:[ -]\w+){{0,2}}?[ -](?:difficulty|challenge|{_FIGHT})\b|"
    r"\b(?:difficulty|fight|encounter|combat|battle)\W+(?:(?:of|is|be|should|at|that|level)\W+){0,3}"
    r"(?P<after>low|medium|moderate|high)\b(?! \w)|"
    r"^\W*(?P<alone>low|medium|moderate|high)\W*$",
    re.IGNORECASE,
)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_PARTY = re.compile(
    rf"\b(?P<count>\d{{1,2}}|{'|'.join(_NUMBERS)})\s+"
    r"(?:level[- ](?P<level1>\d{1,2})|(?P<level2>\d{1,2})(?:st|nd|rd|th)[- ]level)\b"
    rf"|\blevel[- ](?P<level3>\d{{1,2}})\s+party\s+of\s+(?P<count3>\d{{1,2}}|{'|'.join(_NUMBERS)})\b",
    re.IGNORECASE,
)


def intent_of(words: str, bestiary: Bestiary | None = None) -> Want:
    """Return what the words ask for.

    Args:
        words: A person's request.
        bestiary: The creatures that may be named in it; None for those of the rules.
    """
    if _STATUS.match(words):
        return "status"
    if is_small_talk(words):
        return "help"
    if direction_in(words):
        return "scene"
    for want, pattern in _OF_THE_LOG:
        if pattern.match(words):
            return want
    return "dice" if dice_in(words) is not None else _of_notes_or_rules(words, bestiary or load_bestiary())


def _of_notes_or_rules(words: str, bestiary: Bestiary) -> Want:
    plain = _without_politeness(words)
    said = plain.rstrip(_SIGNS)
    seen = _SEEN_OR_DONE.search(said) or _ASKS_TO_SHOW.search(said)
    if not seen and (want := _by_rule(said, bestiary)):
        return want
    if not seen and (_QUESTION.search(said) or (said.count(" ") < 4 and is_sheet_title(said))):
        return "question"
    if seen or _SCENE.search(said) or _NAMED_ENCOUNTER.search(said):
        return "scene"  # "the first encounter" is a place in the notes, not a fight to be built
    if _is_fight_to_build(said, bestiary):
        return "encounter"
    return "question" if "?" in plain[len(said) :] else "scene"


def _by_rule(said: str, bestiary: Bestiary) -> Want | None:
    """Return what is answered out of rules and tables and has words of its own: a fight's weight, a rule, a person."""
    if _is_fight_to_weigh(said, bestiary):
        return "encounter"
    if _RULES_ASKED.search(said):
        return "rules"
    if _SCENE.search(said) or _QUESTION.search(said):
        return None
    return "npc" if _PERSON_WANTED.search(said) else "loot" if _LOOT_WANTED.search(said) else None


def is_to_be_rated(words: str) -> bool:
    """Return whether a fight that is there already is to be weighed, not a new one built."""
    said = _without_politeness(words).rstrip(_SIGNS)
    return not (_BUDGET.search(said) or _ORDERED.search(said)) and bool(_ASKS_OR_RATES.search(said))


def is_ordered(words: str) -> bool:
    """Return whether something is to be made: "build me a fight"."""
    return bool(_ORDERED.search(_without_politeness(words)))


def is_about_stats(words: str) -> bool:
    """Return whether one creature's numbers are asked for: "ogre stats"."""
    return bool(_STATS.search(words))


def difficulty_in(words: str, rules: Rules = "2024") -> str:
    """Return the difficulty that the words ask for, in the words of an edition; ``moderate`` when they name none.

    "high" and "low" say so only beside a word for a fight: a high priest has no difficulty.
    """
    match = _DIFFICULTY.search(words)
    word = match[match.lastgroup or 0].lower() if match else "moderate"
    return difficulty_named(word, rules)


def party_in(words: str) -> Party | None:
    """Return the party that the words speak of ("five level 3 characters"), or None.

    Raises:
        InvalidInput: There is one, out of bounds.
    """
    levels: list[int] = []
    for match in _PARTY.finditer(words):
        said = match["count"] or match["count3"]
        count = _NUMBERS.get(said.lower()) or int(said)
        levels += [int(match["level1"] or match["level2"] or match["level3"])] * count
    return Party(tuple(levels)) if levels else None


def _without_politeness(words: str) -> str:
    """Return the words on one line, without what only leads up to them."""
    plain = " ".join(words.replace("’", "'").split())
    match = _POLITE.match(plain)
    return plain[match.end() :] if match else plain


def _is_fight_to_weigh(said: str, bestiary: Bestiary) -> bool:
    if _BUDGET.search(said):
        return True
    if not _WEIGH.search(said) or _SCENE.search(said) or _TO_DO.search(said):
        return False
    if _HOW_TO.search(said) and not bestiary.mentions(said):
        return False
    if not _ASKS_OR_RATES.search(said):
        return False
    return bool(_FIGHT_WORD.search(said) or bestiary.mentions(said))


def _is_fight_to_build(said: str, bestiary: Bestiary) -> bool:
    if _BUILD.search(said):
        return True
    mentions = bestiary.mentions(said)
    if not mentions:
        return bool(_OPENS_WITH_FIGHT.search(said) and unknown_foes(said, mentions))
    if _OPENS_WITH_FIGHT.search(said) or _STATS.search(said) or is_list_of_foes(said, mentions):
        return True
    rest = said
    for mention in reversed(mentions):
        rest = f"{rest[: mention.start]} {rest[mention.end :]}"
    others = {word.lower() for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", rest)}
    return others <= _ROUND_CREATURES and any(mention.count for mention in mentions)

"""A greeting, a thank-you or a cry for help: nothing to play and nothing to look up, but somebody to be answered."""

from __future__ import annotations

import re

from fablewright.gm.scene.scenario import Line, Origin

__all__ = ["EXAMPLES", "is_small_talk"]

EXAMPLES = tuple(
    Line(text, Origin.BY_RULE)
    for text in (
        'Ask for a scene: "They enter the inn", or "generate scenario for the first encounter".',
        'Ask what your notes say: "Who owns the inn?", or "What happened last session?".',
        'Play it out and have it remembered: "choose 2", "log: Tull is dead", "undo", "what happens next?".',
        'Ask for a fight or for dice: "How hard are 3 ogres?", or "roll 2d6+3".',
        'Ask for somebody or something new: "give me an NPC", "treasure for level 3", or "rules for grappling".',
    )
)
"""What can be asked, an example a line."""

_SAYS = """
    hi|hey|hello|hallo|hiya|yo|howdy|greetings|welcome|good (?:morning|afternoon|evening|night|day|game|job|work)
    thanks|thank you|thank|thx|ty|cheers|please|sorry|ok|okay|k|kk|fine|sure|great|cool|nice|good|perfect|awesome
    excellent|wow|lol|haha|yes|yep|yeah|no|nope|right|well done|got it|never ?mind|stop|wait|bye|goodbye|see you
    test|testing|help|help me|i need help|commands|usage|examples|menu|who are you|what are you|what(?: i|')s this
    (?:what|how much) (?:else )?(?:can|do|could) (?:you|i) (?:do|ask|say|type)|how does (?:this|it) work
    how do (?:i|you) (?:use (?:this|it|you)|work|start)|you rock|you(?:'re| are) (?:great|the best)
"""
_FOLLOWS = "there|again|everyone|all|folks|friend|gm|dm|so much|very much|a lot|for (?:that|me)|here|then|now|you|it is"
_SAID = "|".join(line.strip() for line in _SAYS.strip().splitlines())
_SMALL_TALK = re.compile(rf"(?:{_SAID})(?: (?:{_SAID}|{_FOLLOWS})\b)*", re.IGNORECASE)
_GAP = re.compile(r"[^\w']+|_")
_LONGEST = 60
"""Characters, which also bounds how long the pattern can take."""


def is_small_talk(words: str) -> bool:
    """Return whether there is nothing in the words but small talk, signs, or a question how this works."""
    said = " ".join(_GAP.sub(" ", words[:1000].replace("’", "'")).split())
    return len(said) <= _LONGEST and (not said or _SMALL_TALK.fullmatch(said) is not None)

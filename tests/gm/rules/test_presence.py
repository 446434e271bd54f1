from __future__ import annotations

import pytest

from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.presence import is_here


def here(sentence: str) -> list[bool]:
    return [is_here(sentence, mention.start, mention.end) for mention in load_bestiary().mentions(sentence)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Two bandits guard this cavern.",
        "Six Bandits (Artur, Dobarn) lurk here.",
        "Four Night Blade bandits might be sleeping here.",
        "Two ogres are usually found by the fire.",
        "Ten stirges sometimes reside in the chimney.",
        "A pack of six wolves circles the camp.",
        "Nobody says a word, and two ogres attack.",
        "Two bandits guard this cavern, which fell in years ago.",
        "If the alarm is raised, four guards come.",
        "Three giant rats gnaw at the tale of a wolf's kill.",
        "Two thugs, who were paid last week, wait.",
        "Four skeletons rise; the painting shows a king.",
        "Two stone giants play dice.",
    ],
)
def test_creatures_that_are_there(sentence: str) -> None:
    assert here(sentence)[0]


@pytest.mark.parametrize(
    "sentence",
    [
        "A statue of 4 ogres fills the hall.",
        "A painting of two dancing giant rats hangs here.",
        "The tapestry depicting three ogres is torn.",
        "Tales of three ogres are told in the taproom.",
        "5 kobolds were here last week.",
        "Last winter, two ogres raided the mill.",
        "Two ogres lived here.",
        "In 1342 bandits came.",
        "Years ago two ogres burned the mill.",
        "There are no two ogres alike.",
        "It isn't six bandits.",
        "The smith says that six bandits camp in the hills.",
        "Two dead bandits lie in the ditch.",
        "The bodies of two bandits lie in the ditch.",
        "Four wooden ogres guard the gate.",
        "She once killed two ogres.",
    ],
)
def test_creatures_of_the_past_of_tales_and_of_stone_are_not(sentence: str) -> None:
    assert not any(here(sentence))

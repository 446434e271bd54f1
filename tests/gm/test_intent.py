from __future__ import annotations

import time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.answer import Want
from fablewright.gm.intent import difficulty_in, intent_of, is_to_be_rated, party_in

LINES: dict[Want, str] = {
    "npc": """
        npc
        give me an NPC
        I need a random villager
        make up a new npc, please
        Another NPC
        generate a quick npc for the docks
    """,
    "loot": """
        loot
        treasure for level 5
        give me some loot
        Roll up treasure for the ogre
        generate a hoard
        random treasure
    """,
    "rules": """
        rules for grappling
        Rules: how does cover work?
        What do the rules say about falling?
        How does hiding work in the rules?
        what are the rules for flanking
    """,
    "scene": """
        make a scene with an npc who lies
        They find the treasure of the old king
        The NPC they met yesterday opens the door
        the treasure room
        generate scenario for the first encounter
        They start up the hill to the tower. Give me the scene
        The party enters the broken hall
        What happens when they open the crypt?
        What happens if the party attacks the mayor?
        Describe the inn
        please describe the harbour at night
        Can you describe the captain's cabin?
        What do they see behind the door?
        tell me what the players see when the gate falls
        They open the chest. What happens?
        next scene
        What happens next?
        surprise me
        They walk into the throne room and the king stands up
        The guards ask the party to hand over their weapons
        3 goblins ambush the party at the ford
        Play the boss fight
        Give me the first encounter
        run the final battle
        set the stage for the wedding
        Balance of power between the guilds
        a hard winter night in the mountains
        the difficult negotiation with the duke
        They rest at the inn
        Dis the guards
        read-aloud for the crypt
        We sneak past the sleeping dragon
        The dice are cast in the temple of luck
        A dragon lands on the bridge
        They try to win the old woman's trust
        Marigold rolls up the carpet and finds a trapdoor
        hello, the party reaches the mill
    """,
    "question": """
        Who owns the inn?
        Who is the NPC with the limp?
        What treasure is in the keep?
        what is plate armor worth
        Grappled: what does it do, and how does someone get out?
        Who won the final battle?
        tell me who killed the king
        Remind me what the reeve offered
        do you know where the sheriff lives
        Do you remember who sold us out?
        Summarise the last session
        recap
        What happened last session?
        where did we stop
        How hard is it to pick the lock?
        How difficult is the climb to the tower?
        How hard is it to sneak past the guards?
        How dangerous is the road at night?
        What is the difficulty of the lock?
        What happens when a creature is grappled?
        How does grappling work?
        How many hit points does a mummy lord have?
        How much is a potion of healing?
        Does Silver own a parrot?
        Can you tell me who owns the mill?
        can a rogue sneak attack with a net
        Is there a secret door in the crypt?
        Which encounter comes after the bridge?
        What scene did we stop at?
        Who is the high priest?
        whose ring is it
        What did the party promise the sheriff?
        Tell me about the Lonely Torch
        price of a longsword
        DC of the lock
        how far can a halfling jump
        Why is the fight over?
        Why did the goblins attack the mill?
        Is the captain an easy man to bribe?
        lines and veils
        house rules
        session 2 log
    """,
    "encounter": """
        How hard is the throne room fight for my table?
        How hard is the first encounter?
        Build me a moderate fight in a flooded crypt
        make a hard encounter with undead
        Can you make me a deadly encounter?
        give me 3 goblins
        stat block of an ogre
        2 ogres and 4 goblins
        2 frobnicators and 3 goblins
        xp budget for a day
        How hard are 3 ogres?
        How deadly is an ogre for my party?
        Would 3 ogres be too hard?
        Is the boss fight balanced?
        Are two owlbears too much... too deadly for level 2?
        Can my party beat 3 ogres?
        3 ogres vs my party
        ogre stats
        a fight with 3 wolves
        What is the XP budget for my party?
        What would be a hard fight for my party?
        How tough would it be to beat the dragon boss?
        balance the encounter at the bridge
        I need a random encounter for the forest
        medium encounter, 4 level 3 characters
    """,
    "dice": """
        roll 2d6+3
        2d20kh1
        roll 2d0
        2d0
        d20 + 5
        4d6kh3
        adv+5
        roll a d20 with advantage
        1d20+5 to hit
        4d6 drop lowest
        roll initiative
        2+2
        what's 12+7?
        Can you roll 8d6 for me?
        8d6 fire damage
        roll two d20s
        Roll stealth +7
    """,
    "status": """
        status
        are you up?
    """,
    "help": """
        hi
        hello!
        Hey there
        thanks
        Thank you so much
        ok
        OK, thanks!
        help
        ?
        ...
        what can you do?
        good evening
    """,
}


@pytest.mark.parametrize(
    ("words", "want"),
    [(line.strip(), want) for want, lines in LINES.items() for line in lines.strip().splitlines()],
)
def test_what_is_wanted(words: str, want: Want) -> None:
    assert intent_of(words) == want


@given(st.text(max_size=200))
def test_every_text_wants_something(words: str) -> None:
    assert intent_of(words) in set(get_args(Want))


@pytest.mark.benchmark
@pytest.mark.parametrize("words", ["make " * 800, "?" * 4000 + "x", "how hard " * 400, "a " * 2000, "hi " * 1300])
def test_hostile_lines_cost_no_time(words: str) -> None:
    started = time.perf_counter()
    intent_of(words)
    difficulty_in(words)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("words", "difficulty"),
    [
        ("a hard fight", "high"),
        ("moderate", "moderate"),
        ("a fight", "moderate"),
        ("easy", "low"),
        ("build a fight with a high priest", "moderate"),
        ("the high priest's encounter", "moderate"),
        ("build a high difficulty fight", "high"),
        ("a low-difficulty fight in the high tower", "low"),
        ("build an encounter, difficulty high", "high"),
        ("build a deadly ambush by high elves", "high"),
        ("a medium undead encounter", "moderate"),
    ],
)
def test_difficulty(words: str, difficulty: str) -> None:
    assert difficulty_in(words) == difficulty


@pytest.mark.parametrize(
    ("words", "rated"),
    [
        ("How hard is the throne room fight?", True),
        ("Is the fight in the hall too hard?", True),
        ("Build me a moderate fight", False),
        ("What would be a hard fight for my party?", False),
    ],
)
def test_a_fight_is_rated_or_built(words: str, rated: bool) -> None:
    assert is_to_be_rated(words) is rated


def test_the_party_in_the_words() -> None:
    assert str(party_in("for five level 3 characters")) == "5x3"
    assert str(party_in("two 4th-level heroes and 1 level-6 cleric")) == "1x6,2x4"
    assert str(party_in("for a level 5 party of four")) == "4x5"
    assert party_in("for my party") is None
    with pytest.raises(InvalidInput):
        party_in("4 level 99 characters")


@pytest.mark.parametrize(
    ("words", "want"),
    [
        ("choose 2", "choose"),
        ("2", "choose"),
        ("option 3, rolled 17", "choose"),
        ("they choose the tunnel", "choose"),
        ("choose a random encounter for me", "encounter"),
        ("the party picks the lock", "scene"),
        ("undo", "undo"),
        ("undo that", "undo"),
        ("undo the curse on the miller", "scene"),
        ("log: Met Ilse at the mill", "log"),
        ("remember that Tull is dead", "log"),
        ("show me the log", "log"),
        ("they come to a log cabin", "scene"),
        ("a log across the river", "scene"),
        ("remember the alamo", "scene"),
        ("we played it", "log"),
        ("recap for the players", "recap"),
        ("recap", "question"),
        ("what happened last session?", "question"),
    ],
)
def test_what_is_for_the_campaigns_log(words: str, want: str) -> None:
    assert intent_of(words) == want


@pytest.mark.parametrize(
    "words",
    [
        "fight: 3 goblins, 2 kobolds and a dire llama",
        "a fight with 3 frobnicators",
        "encounter: 2 ogres",
        "3 gnolls vs my party by the 2014 rules",
    ],
)
def test_a_fight_that_is_spelled_out_is_one_whether_its_creatures_are_known_or_not(words: str) -> None:
    assert intent_of(words) == "encounter"


@pytest.mark.parametrize(
    "words",
    [
        "How do I change the difficulty of a monster while the fight is already going?",
        "How do I make a boss fight less deadly without fudging?",
        "How should I run a really hard battle with forty people in it?",
    ],
)
def test_how_to_go_about_fights_is_a_question(words: str) -> None:
    assert intent_of(words) == "question"

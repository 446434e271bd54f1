from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.job import (
    UNFINISHED,
    Broke,
    Effect,
    Fact,
    Finished,
    GivenBack,
    Job,
    JobRules,
    State,
    Wanted,
    Withdrawn,
    step,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

RULES = JobRules(lease=10.0, tries=3)


def run(*facts: Fact, rules: JobRules = RULES) -> tuple[Job, list[Effect]]:
    job, effects = Job(), []
    for fact in facts:
        job, effect = step(job, fact, rules)
        effects.append(effect)
    return job, effects


def test_a_job_is_leased_until_its_time_and_done() -> None:
    job, effects = run(Wanted(5.0))
    assert effects == [Effect.GRANT]
    assert job == Job(State.LEASED, lease=1, until=15.0, lasts=10.0, tries=1)
    job, effects = run(Wanted(5.0), Wanted(14.9), Finished(1))
    assert effects == [Effect.GRANT, Effect.LATE, Effect.WRITE]
    assert job.state is State.DONE


def test_a_lease_that_is_over_goes_to_who_wants_it_next() -> None:
    job, effects = run(Wanted(0.0), Wanted(10.0))
    assert effects == [Effect.GRANT, Effect.GRANT]
    assert (job.lease, job.until, job.tries) == (2, 20.0, 2)


def test_a_lease_granted_under_a_clock_that_was_set_back_is_over() -> None:
    job, effects = run(Wanted(10_000.0), Wanted(9_999.0), Wanted(100.0), Wanted(109.9))
    assert effects == [Effect.GRANT, Effect.GRANT, Effect.GRANT, Effect.LATE]
    assert (job.lease, job.until) == (3, 110.0)


def test_how_long_a_lease_lasts_is_said_by_who_took_it() -> None:
    job, _ = step(Job(), Wanted(0.0), JobRules(lease=100.0))
    assert step(job, Wanted(50.0), JobRules(lease=10.0)) == (job, Effect.LATE)
    job, _ = step(Job(), Wanted(0.0), JobRules(lease=10.0))
    assert step(job, Wanted(11.0), JobRules(lease=100.0))[1] is Effect.GRANT


def test_who_lost_the_lease_may_finish_first_and_nobody_writes_twice() -> None:
    _, effects = run(Wanted(0.0), Wanted(10.0), Finished(1), Finished(2))
    assert effects[2:] == [Effect.WRITE, Effect.LATE]
    _, effects = run(Wanted(0.0), Wanted(10.0), Finished(2), Finished(1), Finished(2))
    assert effects[2:] == [Effect.WRITE, Effect.LATE, Effect.LATE]


def test_who_lost_the_lease_does_not_break_the_work_of_who_has_it() -> None:
    job, effects = run(Wanted(0.0), Wanted(10.0), Broke(1, "boom"), GivenBack(1))
    assert effects[2:] == [Effect.LATE, Effect.LATE]
    assert job.state is State.LEASED


def test_a_job_that_breaks_is_tried_again_and_fails_at_last() -> None:
    job, effects = run(Wanted(0.0), Broke(1, "one"), Wanted(1.0), Broke(2, "two"), Wanted(2.0), Broke(3, "three"))
    assert effects[1::2] == [Effect.AGAIN, Effect.AGAIN, Effect.FAIL]
    assert (job.state, job.reason) == (State.FAILED, "three")


def test_a_job_whose_workers_all_die_fails_when_it_is_wanted_once_more() -> None:
    job, effects = run(Wanted(0.0), Wanted(10.0), Wanted(20.0), Wanted(30.0), Wanted(40.0))
    assert effects == [Effect.GRANT, Effect.GRANT, Effect.GRANT, Effect.FAIL, Effect.LATE]
    assert (job.state, job.reason) == (State.FAILED, UNFINISHED)


def test_what_is_given_back_was_no_try() -> None:
    job, _ = run(*[fact for number in range(1, 9) for fact in (Wanted(0.0), GivenBack(number))])
    assert (job.state, job.tries, job.lease) == (State.WAITING, 0, 8)


def test_what_is_called_off_is_not_finished() -> None:
    job, effects = run(Wanted(0.0), Withdrawn(), Finished(1), Wanted(1.0))
    assert effects[1:] == [Effect.CANCEL, Effect.LATE, Effect.LATE]
    assert job.state is State.CANCELLED


def test_a_lease_that_nobody_was_granted_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ContractViolation, match="Lease 2 of a job was never granted; the latest is 1"):
        run(Wanted(0.0), Finished(2))


@pytest.mark.parametrize("wrong", [{"lease": 0.0}, {"lease": float("inf")}, {"tries": 0}])
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ContractViolation):
        JobRules(**wrong)  # type: ignore[arg-type] # that is the point


# ------------------------------------------------------------------ against the whole story, read slowly


def oracle(facts: Sequence[Fact], rules: JobRules) -> list[str]:
    """Return what each fact comes to, by reading all that was told before it anew each time."""
    said: list[str] = []
    for at, fact in enumerate(facts):
        before = list(zip(facts[:at], said, strict=True))
        over = any(word in {"write", "fail", "cancel"} for _, word in before)
        grants = [past.now for past, word in before if word == "grant" and isinstance(past, Wanted)]
        handed_back = [past.lease for past, word in before if word == "again" and not isinstance(past, Wanted)]
        returned = [past for past, word in before if word == "again" and isinstance(past, GivenBack)]
        tries = len(grants) - len(returned)
        is_out = bool(grants) and len(grants) not in handed_back
        if over:
            said.append("late")
        elif isinstance(fact, Withdrawn):
            said.append("cancel")
        elif isinstance(fact, Finished):
            said.append("write")
        elif isinstance(fact, Wanted):
            if is_out and grants[-1] <= fact.now < grants[-1] + rules.lease:
                said.append("late")
            else:
                said.append("grant" if tries < rules.tries else "fail")
        elif not is_out or fact.lease != len(grants):
            said.append("late")
        elif isinstance(fact, GivenBack):
            said.append("again")
        else:
            said.append("again" if tries < rules.tries else "fail")
    return said


moves = st.lists(
    st.tuples(st.sampled_from(("wanted", "finished", "broke", "given back", "withdrawn")), st.integers(-3, 12)),
    max_size=40,
)


@given(moves, st.integers(1, 4), st.integers(1, 9))
def test_every_story_has_one_outcome_as_the_oracle_tells_it(
    told: list[tuple[str, int]], tries: int, lease: int
) -> None:
    rules = JobRules(float(lease), tries)
    job, now, facts, effects = Job(), 0.0, [], []
    for what, number in told:
        now += number  # sometimes the clock is set back
        holder = 1 + number % job.lease if job.lease else 0
        if what not in {"wanted", "withdrawn"} and not holder:
            continue
        fact: Fact = {
            "wanted": Wanted(now),
            "finished": Finished(holder),
            "broke": Broke(holder, f"reason {number}"),
            "given back": GivenBack(holder),
            "withdrawn": Withdrawn(),
        }[what]
        before = job
        job, effect = step(job, fact, rules)
        facts.append(fact)
        effects.append(effect.value)
        assert not before.state.is_final or job == before
        assert 0 <= job.tries <= tries
    assert effects == oracle(facts, rules)
    outcomes = [effect for effect in effects if effect in {"write", "fail", "cancel"}]
    assert len(outcomes) == (1 if job.state.is_final else 0)

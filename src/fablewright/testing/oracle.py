"""The oracle: says from the notes of a run what each request's outcome must have been, and compares.

It shares no code with the bus and knows nothing of its insides. It reads the trace from the beginning, event by
event, and keeps the slow and obvious books:

* a request's outcome is the first of: an outcome that arrives before its deadline, its asker's cancellation, the
  crash of its agent, the stop of the bus, its deadline;
* its asker is told just that, at that instant, and once;
* what arrives afterwards changes nothing.

The numbers in its words (I1 to I20) are those of the project's list of invariants. To teach it a new feature of
the bus, add a word to the trace and a method here: ``_on_<word>`` is called for each event of that word, and
``_finally`` when the trace is over.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from fablewright.testing.breaker_watch import BreakerWatch
from fablewright.testing.faults import GRID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.testing.scenario import Scenario
    from fablewright.testing.trace import Event

__all__ = ["judge"]

_RESULTS = {
    # what an asker gets, and the outcome of its last attempt that it stands for
    "replied": "replied",
    "DeadlineExceeded": "expired",
    "RemoteError": "failed",
    "ContractViolation": "failed",
    "PeerLost": "peer_lost",
    "MailboxFull": "rejected",
    "UnknownRecipient": "rejected",
    "Rejected": "rejected",
}
_BEFORE_SENDING = {"CircuitOpen", "BulkheadFull", "WouldDeadlock"}
_NAMED = {"DeadlineExceeded", "RemoteError", "PeerLost", "MailboxFull"}  # errors that name the attempt that failed
_ENOUGH = 20
_HALF_A_BUCKET = 5  # tokens of a retry budget that may be spent (gRFC A6, as the runtime sets it)
_EARNED = 0.1  # tokens for each success


def judge(scenario: Scenario, events: Iterable[Event], *, default_timeout: float) -> list[str]:
    """Return what was wrong with a run, in words; of many things the first only.

    Args:
        scenario: What was run.
        events: What happened, in order.
        default_timeout: Seconds for an ask that names no time-out.
    """
    return _Oracle(scenario, default_timeout).judge(events)


class _Ask:
    """One ask as its asker sees it: all its attempts together."""

    __slots__ = ("action", "attempts", "began", "deadline", "inside", "now", "result", "to")

    def __init__(self, to: str, action: str, began: float, deadline: float, *, inside: bool) -> None:
        self.to = to
        self.action = action
        self.began = began
        self.deadline = deadline
        self.inside = inside  # asked by a handler
        self.attempts = 0
        self.now: list[_Life] = []  # the present attempt, and its hedge if it has one
        self.result = ""


class _Life:
    """One message: a tell, or one attempt of an ask."""

    __slots__ = (
        "deadline",
        "ended",
        "id",
        "lingers",
        "outcome",
        "owed",
        "reached",
        "recalled",
        "sent",
        "settled",
        "started",
        "stopped",
        "to",
        "value",
        "watch",
    )

    def __init__(self, message_id: str, to: str, deadline: float | None, sent: float) -> None:
        self.id = message_id
        self.sent = sent
        self.watch: BreakerWatch | None = None
        self.to = to
        self.deadline = deadline  # None: nobody waits for it
        self.reached = 0
        self.started: float | None = None
        self.stopped: float | None = None
        self.recalled: float | None = None  # when its withdrawal, or the crash of its agent, ended its work
        self.lingers = False
        self.owed: float | None = (
            None  # since when its agent has said all it will say, so an outcome must be on its way
        )
        self.ended: float | None = None
        self.outcome = ""
        self.settled = 0.0
        self.value: object = None

    @property
    def holds_permit(self) -> bool:
        """Whether a breaker has not got its permit back, as far as is known."""
        return self.outcome in {"", "failed", "peer_lost"} and self.value != "InvalidInput"

    def expire(self, now: float) -> None:
        """Let the deadline pass, if it has."""
        if self.deadline is not None and not self.outcome and now >= self.deadline:
            self.outcome, self.settled = "expired", self.deadline
            if self.watch is not None:
                self.watch.expired()

    def settle(self, outcome: str, at: float, value: object = None) -> bool:
        """Take an outcome, if it is the first; return whether it is."""
        self.expire(at)
        if self.deadline is None or self.outcome:
            return False
        self.outcome, self.settled, self.value = outcome, at, value
        if self.watch is not None and outcome in {"replied", "failed", "peer_lost"} and value != "InvalidInput":
            self.watch.ended(self, at, failed=outcome != "replied")
        return True


class _Oracle:
    """The books of one run."""

    def __init__(self, scenario: Scenario, default_timeout: float) -> None:
        self._default_timeout = default_timeout
        self._rules = {(rule.to, rule.action): rule for rule in scenario.rules}
        self._cast = {cast.name: cast for cast in scenario.cast}
        # Nobody outside sees when a bus has drained and settles what is left, so then only sums are compared.
        self._drains = scenario.stop > 0 and scenario.drain > 0
        self._watches = {(rule.to, rule.action): BreakerWatch(rule) for rule in scenario.rules if rule.failures}
        self._asks: dict[int, _Ask] = {}
        self._lives: dict[str, _Life] = {}
        self._running = dict.fromkeys(self._cast, 0)
        self._again: Counter[tuple[str, str]] = Counter()  # retries and hedges, by agent and action
        self._replied: Counter[tuple[str, str]] = Counter()
        self._stopping: float | None = None
        self._unsent: Counter[str] = Counter()  # asks that were over before anything was sent, by outcome
        self._refused = 0  # asks refused while the bus stopped: those after its end count as rejected
        self._late = 0  # replies and failures that found nobody waiting, and requests that came twice
        self._wrong: list[str] = []

    def judge(self, events: Iterable[Event]) -> list[str]:
        """Read the whole trace and return what was wrong."""
        read = {name[4:]: getattr(self, name) for name in dir(self) if name.startswith("_on_")}
        for at, what, who, detail in events:
            try:
                read[what](at, who, detail)
            except KeyError:
                self._blame("I1", at, who, f"{what}, but nobody knows of it")
        self._finally()
        return self._wrong[:_ENOUGH]

    def _blame(self, invariant: str, at: float, who: object, words: str) -> None:
        self._wrong.append(f"{invariant} at {at:g} s, {who}: {words}")

    # -------------------------------------------------------------- asks

    def _on_asked(self, at: float, who: int, detail: tuple[str, str, str, int, int]) -> None:
        parent, to, action, timeout, keep = detail
        deadline = at + (timeout * GRID if timeout else self._default_timeout)
        above = self._lives[parent].deadline if parent else None
        if above is not None:
            deadline = max(at, min(deadline, above - keep * GRID))
        self._asks[who] = _Ask(to, action, at, deadline, inside=bool(parent))

    def _on_got(self, at: float, who: int, detail: tuple[str, str]) -> None:
        ask = self._asks[who]
        result, value = detail
        if ask.result:
            self._blame("I1", at, who, f"got {result} after {ask.result}")
        ask.result = result
        if at > ask.deadline:
            self._blame("I6", at, who, f"got {result} after its deadline of {ask.deadline:g} s")
        self._replied[ask.to, ask.action] += result == "replied"
        if result == "cancelled":
            for life in ask.now:
                life.settle("cancelled", at)
                if life.watch is not None and life.settled == at:
                    life.watch.cancelled(life)
        elif not ask.now or result in _BEFORE_SENDING or (result == "Rejected" and value != ask.now[-1].id):
            self._check_refusal(at, who, ask, result)
        else:
            self._check_result(at, who, ask, result, value)

    def _check_refusal(self, at: float, who: int, ask: _Ask, result: str) -> None:
        """An ask that ended without an attempt, or instead of one more: was there a reason to refuse it?"""
        rule = self._rules.get((ask.to, ask.action))
        if result == "CircuitOpen":
            watch = self._watches.get((ask.to, ask.action))
            right = watch is not None and watch.may_refuse
        elif result == "DeadlineExceeded":
            right = at >= ask.deadline
            self._unsent["expired"] += 1
        elif result == "BulkheadFull":
            right = rule is not None and rule.bulkhead > 0
        elif result == "WouldDeadlock":
            right = ask.inside
            self._unsent["rejected"] += 1
        elif result == "Rejected":
            right = self._stopping is not None
            self._refused += 1
        else:
            right = False
        if not right:
            self._blame("I1", at, who, f"was refused with {result} for no reason")

    def _check_result(self, at: float, who: int, ask: _Ask, result: str, value: object) -> None:
        """The asker must be told what became of its last attempt, when it became that."""
        if result == "PeerLost" and self._drains and self._is_stopped(at):
            return
        for life in ask.now:
            life.expire(at)
            if self._is_stopped(at):
                life.settle("peer_lost", at)
        outcome = _RESULTS.get(result)
        meant = [life for life in ask.now if life.outcome == outcome]
        if not meant:
            found = ", ".join(f"{life.id} was {life.outcome or 'not over'}" for life in ask.now)
            self._blame("I1", at, who, f"got {result}, though {found}")
        elif result == "replied" and all(value != life.value for life in meant):
            self._blame("I1", at, who, f"got {value!r}, which nobody replied")
        elif result in _NAMED and all(value != life.id for life in meant):
            self._blame("I1", at, who, f"got the {result} of {value!r}, which is not its last attempt")
        elif all(at != life.settled for life in meant) and not self._may_be_held_back(ask):
            self._blame("I6", at, who, f"got {result} {at - meant[-1].settled:g} s after {meant[-1].id} was settled")

    def _may_be_held_back(self, ask: _Ask) -> bool:
        """Whether a breaker may have opened while the ask slept before a retry: then it gets its last failure late."""
        rule = self._rules.get((ask.to, ask.action))
        return rule is not None and rule.failures > 0 and ask.attempts <= rule.retries and ask.action == "read"

    def _is_stopped(self, at: float) -> bool:
        return self._stopping is not None and at >= self._stopping

    # -------------------------------------------------------------- messages

    def _on_sent(self, at: float, who: str, detail: tuple[int, bool, str, str | None, float | None, int]) -> None:
        number, asked, to, parent, deadline, attempt = detail
        if who in self._lives:
            self._blame("I1", at, who, "was sent twice under one id")
        life = self._lives[who] = _Life(who, to, deadline if asked else None, at)
        above = self._lives[parent].deadline if parent else None
        if above is not None and deadline is not None and deadline > above:
            self._blame("I3", at, who, f"has time until {deadline:g} s, its parent until {above:g} s")
        if asked:
            self._check_attempt(at, life, self._asks[number], attempt)

    def _check_attempt(self, at: float, life: _Life, ask: _Ask, attempt: int) -> None:
        life.watch = self._watches.get((ask.to, ask.action))
        if life.watch is not None and (wrong := life.watch.sent(life)):
            self._blame("I12", at, life.id, wrong)
        if life.deadline is None or life.deadline > ask.deadline:
            self._blame("I3", at, life.id, f"has time until {life.deadline} s, its asker until {ask.deadline:g} s")
        if at >= ask.deadline:
            self._blame("I13", at, life.id, "was sent after its deadline")
        if ask.result:
            self._blame("I13", at, life.id, f"was sent although its asker had {ask.result}")
        if ask.now:
            self._check_another(at, life, ask, attempt)
        else:
            ask.attempts, ask.now = 1, [life]

    def _check_another(self, at: float, life: _Life, ask: _Ask, attempt: int) -> None:
        """A second attempt is a retry, when the first is over, or a hedge, while it is not."""
        rule = self._rules.get((ask.to, ask.action))
        self._again[ask.to, ask.action] += 1
        if ask.action != "read":
            self._blame("I14", at, life.id, "was sent again although it is not idempotent")
        for before in ask.now:
            before.expire(at)
        if rule is not None and rule.hedge and attempt == ask.attempts and len(ask.now) == 1 and not ask.now[0].outcome:
            ask.now.append(life)
            return
        ask.attempts += 1
        if attempt != ask.attempts:
            self._blame("I13", at, life.id, f"says that it is attempt {attempt}, but is {ask.attempts}")
        if rule is None or ask.attempts > 1 + rule.retries:
            self._blame("I13", at, life.id, f"is attempt {ask.attempts}, one too many")
        for before in ask.now:
            if not before.outcome or before.outcome == "replied":
                self._blame("I13", at, life.id, f"was sent although {before.id} was {before.outcome or 'not over'}")
        ask.now = [life]

    def _on_reached(self, _: float, who: str, __: None) -> None:
        life = self._lives[who]
        life.reached += 1
        self._late += life.reached > 1

    def _on_started(self, at: float, who: str, _: None) -> None:
        life = self._lives[who]
        if life.started is not None:
            self._blame("I14", at, who, f"was started at {life.started:g} s already")
        if not life.reached:
            self._blame("I1", at, who, "was started before it had arrived")
        if life.deadline is not None and at >= life.deadline:
            self._blame("I5", at, who, f"was started after its deadline of {life.deadline:g} s")
        if life.recalled is not None:
            self._blame("I15", at, who, f"was started although it was withdrawn at {life.recalled:g} s")
        life.started = at
        self._running[life.to] += 1
        if self._running[life.to] > self._cast[life.to].concurrency:
            self._blame("I9", at, who, f"is one handler more than {life.to} may run")

    def _on_lingers(self, _: float, who: str, __: None) -> None:
        self._lives[who].lingers = True

    def _on_stopped(self, at: float, who: str, how: str) -> None:
        life = self._lives[who]
        life.stopped = at
        self._running[life.to] -= 1
        if life.recalled is not None and at > life.recalled and not life.lingers:
            self._blame("I15", at, who, f"{how} {at - life.recalled:g} s after it was withdrawn")
        if life.deadline is not None and at > life.deadline and not life.lingers:
            self._blame("I15", at, who, f"{how} {at - life.deadline:g} s after its deadline")
        if how != "deferred":
            self._on_owed(at, who, None)

    def _on_owed(self, at: float, who: str, _: None) -> None:
        life = self._lives[who]
        if life.deadline is not None and life.owed is None:
            life.owed = at

    def _on_ended(self, at: float, who: str, detail: tuple[str, str]) -> None:
        life = self._lives[who]
        outcome, value = detail
        if outcome == "replied" and value != who:
            self._blame("I1", at, who, f"was answered with {value!r}")
        if life.deadline is None:
            self._blame("I20", at, who, f"{outcome}, though nobody asked")
        if life.ended is None:
            life.ended = at

    def _on_told(self, at: float, who: str, detail: tuple[str, str]) -> None:
        outcome, value = detail
        if not self._lives[who].settle(outcome, at, value) and outcome in {"replied", "failed"}:
            self._late += 1

    def _on_withdrawn(self, at: float, who: str, _: None) -> None:
        life = self._lives[who]
        life.settle("cancelled", at)  # its asker gets to know a turn of the loop later, when it is its turn
        if life.outcome not in {"cancelled", "expired"}:
            self._blame("I15", at, who, f"was withdrawn after it was {life.outcome}")

    def _on_recalled(self, at: float, who: str, _: None) -> None:
        life = self._lives[who]
        if life.reached and life.recalled is None:  # one that has not arrived cannot be taken back
            life.recalled = at

    # -------------------------------------------------------------- agents, the bus, the loop

    def _on_crashed(self, at: float, who: str, _: None) -> None:
        for life in self._lives.values():
            if life.to == who:
                life.settle("peer_lost", at)
                if life.reached and life.stopped is None and life.recalled is None:
                    life.recalled = at

    def _on_stopping(self, at: float, _: str, __: None) -> None:
        self._stopping = at
        if not self._drains:
            for life in self._lives.values():
                life.settle("peer_lost", at)

    def _on_calm(self, at: float, who: str, detail: tuple[Any, ...]) -> None:
        asked, settled, pending, agents, _ = detail
        if asked != settled + pending:
            self._blame("I1", at, who, f"{asked} asked, but {settled} settled and {pending} pending")
        for life in self._lives.values():
            life.expire(at)
        waiting = sum(life.deadline is not None and not life.outcome for life in self._lives.values())
        if self._stopping is None and waiting != pending:
            self._blame("I7", at, who, f"{pending} pending, but {waiting} wait for an outcome")
        for name, queued, running in agents:
            cast = self._cast[name]
            room = cast.capacity * (2 if cast.overflow == "wait" else 1)  # the line is as long as the queue
            if queued > room:
                self._blame("I8", at, name, f"{queued} messages wait where {room} may")
            if queued and running < cast.concurrency:
                self._blame("I9", at, name, f"{queued} messages wait though only {running} handlers run")
            if running != self._running[name]:
                self._blame("I7", at, name, f"says that {running} handlers run, but {self._running[name]} do")

    def _on_counted(self, at: float, who: str, detail: tuple[int, dict[str, int], int]) -> None:
        asked, outcomes, late = detail
        for life in self._lives.values():
            life.expire(at)
            life.settle("peer_lost", at)  # the bus has stopped
        mine = Counter(life.outcome for life in self._lives.values() if life.deadline is not None)
        mine.update(self._unsent)
        refused = asked - mine.total()
        if not 0 <= refused <= self._refused:
            self._blame("I1", at, who, f"{asked} asked, but {mine.total()} were")
        mine["rejected"] += refused
        if self._drains:
            return
        if +mine != outcomes:
            self._blame("I1", at, who, f"{sorted(outcomes.items())}, but {sorted(mine.items())} were")
        if late != self._late:
            self._blame("I2", at, who, f"{late} late dead letters, but {self._late} came late")

    def _on_wrong(self, at: float, who: object, words: str) -> None:
        self._blame("I2" if who == "loop" else "I20", at, who, words)

    def _finally(self) -> None:
        for number, ask in self._asks.items():
            if not ask.result:
                self._blame("I1", ask.deadline, number, "never got anything")
        for key, count in self._again.items():
            budget = _HALF_A_BUCKET + _EARNED * self._replied[key]
            if count > budget:
                self._blame(
                    "I13", 0.0, ".".join(key), f"{count} retries and hedges, where {budget:g} were in the budget"
                )
        for life in self._lives.values():
            if life.started is not None and life.stopped is None:
                self._blame("I7", life.started, life.id, "was started and never stopped")
            if life.owed is not None and not self._is_stopped(life.owed) and life.ended != life.owed:
                when = "never" if life.ended is None else f"at {life.ended:g} s"
                self._blame("I20", life.owed, life.id, f"had nothing more to say, but its asker was told {when}")

"""What a handler is given beside its message: time left, ways to ask others, and a way to answer later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, cast

from fablewright.errors import ContractViolation

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from fablewright.protocol.batch import BatchRules
    from fablewright.protocol.envelope import Envelope
    from fablewright.protocol.message import Message, Request, StreamRequest
    from fablewright.runtime.answers import Answers
    from fablewright.runtime.channel import Inlet
    from fablewright.runtime.streaming import Stream

    BatchHandler: TypeAlias = Callable[[Sequence[Any], "Context"], Coroutine[Any, Any, object]]

__all__ = ["Context", "ReplyToken"]

R = TypeVar("R")


class Sender(Protocol):
    """What a context needs of its bus."""

    answers: Answers

    def now(self) -> float: ...
    async def ask(
        self,
        to: str,
        request: Request[R],
        *,
        timeout: float | None,
        parent: Envelope | None,
        keep: float,
        on_late: Callable[[R], None] | None,
    ) -> R: ...
    def tell(self, to: str, message: Message, *, parent: Envelope | None) -> None: ...
    def publish(self, message: Message, *, parent: Envelope | None) -> int: ...
    def ask_from_thread(self, to: str, request: Request[R], *, timeout: float | None, parent: Envelope | None) -> R: ...
    def ask_stream(
        self, to: str, request: StreamRequest[R], *, timeout: float | None, parent: Envelope | None
    ) -> Stream[R]: ...
    def channel(self, request: Envelope) -> Inlet: ...
    async def batch(self, context: Context, rules: BatchRules, handle: BatchHandler) -> ReplyToken[Any]: ...
    async def on_thread(self, work: Callable[..., R], *args: object) -> R: ...


class ReplyToken(Generic[R]):
    """The right to answer one request, once, later, from anywhere, also from another thread.

    It holds no task and no future. If the last reference to it goes while it is unanswered, the asker
    gets ``PeerLost`` at once and does not wait for its deadline.
    """

    __slots__ = ("__weakref__", "_answered", "_answers", "_request")

    def __init__(self, answers: Answers, request: Envelope) -> None:
        self._answers = answers
        self._request = request
        self._answered = False

    def __repr__(self) -> str:
        state = "answered" if self._answered else "open"
        return f"<ReplyToken {self._request.message_id} {self._request.action} {state}>"

    @property
    def answered(self) -> bool:
        """Whether it has been used."""
        return self._answered

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for the answer: work for a token that is not wanted can stop."""
        return not self._answered and self._answers.is_waiting(self._request)

    @property
    def remaining(self) -> float:
        """Seconds until the asker's deadline; 0 when it has passed."""
        deadline = cast("float", self._request.deadline)  # asks always have one
        return max(0.0, deadline - self._answers.now())

    def answer(self, reply: R) -> None:
        """Give the reply. One that comes too late is no error: it becomes a dead letter.

        Raises:
            ContractViolation: It was answered before, or ``reply`` is None.
        """
        if reply is None:
            raise ContractViolation(f"{self._request.to} answered {self._request.action} with None.")
        if self._answered:
            raise self._misuse()
        self._answered = True
        self._answers.answer(self._request, reply)

    def fail(self, error: Exception) -> None:
        """Let the asker have an error instead.

        Raises:
            ContractViolation: It was answered before.
        """
        if self._answered:
            raise self._misuse()
        self._answered = True
        self._answers.refuse(self._request, error)

    def _misuse(self) -> ContractViolation:
        return ContractViolation(f"{self._request.to} answered {self._request.action} twice.")

    def __del__(self) -> None:
        if not self._answered:
            self._answers.token_dropped(self._request)


class Context:
    """One handling of one message.

    Attributes:
        envelope: What travelled around the message.
        token_id: ``id`` of the reply token that was given out; None before.
    """

    __slots__ = ("_bus", "envelope", "token_id")

    def __init__(self, bus: Sender, envelope: Envelope) -> None:
        self._bus = bus
        self.envelope = envelope
        self.token_id: int | None = None  # not the token: a context must not keep an unanswered one alive

    def __repr__(self) -> str:
        return f"<Context {self.envelope.message_id} {self.envelope.to}.{self.envelope.action}>"

    @property
    def now(self) -> float:
        """The bus's time in seconds; only differences mean anything."""
        return self._bus.now()

    @property
    def remaining(self) -> float:
        """Seconds until the asker stops waiting; infinite for a message that nobody waits for."""
        deadline = self.envelope.deadline
        return float("inf") if deadline is None else max(0.0, deadline - self._bus.now())

    def ask(
        self,
        to: str,
        request: Request[R],
        *,
        timeout: float | None = None,
        keep: float = 0.0,
        on_late: Callable[[R], None] | None = None,
    ) -> Coroutine[Any, Any, R]:
        """Ask another agent within the time that this handler has left.

        Args:
            to: Name of the agent.
            request: The message; its type says what the reply is.
            timeout: Seconds to wait at most; the bus's default when None. Whatever is given, the child's
                deadline is never later than this handler's own.
            keep: Seconds of this handler's own time to keep back for after the reply.
            on_late: Called once with the reply if it comes after the deadline; see ``Policy.linger``.

        Raises:
            RequestFailed: One of its kinds, when no reply comes.
            ContractViolation: The time-out is no sane number, or the answerer broke its contract.
        """
        return self._bus.ask(to, request, timeout=timeout, parent=self.envelope, keep=keep, on_late=on_late)

    def ask_stream(self, to: str, request: StreamRequest[R], *, timeout: float | None = None) -> Stream[R]:
        """Ask another agent for a reply in pieces, within the time that is left; see ``Bus.ask_stream``."""
        return self._bus.ask_stream(to, request, timeout=timeout, parent=self.envelope)

    def ask_from_thread(self, to: str, request: Request[R], *, timeout: float | None = None) -> R:
        """Ask another agent from a handler that runs on a thread; see ``ask``.

        Raises:
            ContractViolation: It was called on the event loop, which it would block.
            RequestFailed: One of its kinds, when no reply comes.
        """
        return self._bus.ask_from_thread(to, request, timeout=timeout, parent=self.envelope)

    def tell(self, to: str, message: Message) -> None:
        """Send a message that wants no reply."""
        self._bus.tell(to, message, parent=self.envelope)

    def publish(self, message: Message) -> int:
        """Send a message to every other agent that hears it, and to who subscribed; return to how many."""
        return self._bus.publish(message, parent=self.envelope)

    def on_thread(self, work: Callable[..., R], *args: object) -> Coroutine[Any, Any, R]:
        """Call something that blocks on a thread of the bus, and return what it does."""
        return self._bus.on_thread(work, *args)

    def channel(self) -> Inlet:
        """Return where the pieces of a streamed reply go; used by ``streams``."""
        return self._bus.channel(self.envelope)

    def batch(self, rules: BatchRules, handle: BatchHandler) -> Coroutine[Any, Any, ReplyToken[Any]]:
        """Have this message handled together with others; used by ``batches``."""
        return self._bus.batch(self, rules, handle)

    def defer(self, *, on_withdrawn: Callable[[], None] | None = None) -> ReplyToken[Any]:
        """Promise to answer later; return the token to answer with, which the handler also returns.

        Args:
            on_withdrawn: Called once, on the loop, if nobody waits for the answer any more.

        Raises:
            ContractViolation: Nobody waits for a reply, or the handler has deferred already.
        """
        if self.envelope.reply_to is None:
            raise ContractViolation(f"{self.envelope.action} was told, not asked: there is nobody to answer.")
        if self.token_id is not None:
            raise ContractViolation(f"{self.envelope.to} deferred {self.envelope.action} twice.")
        token: ReplyToken[Any] = ReplyToken(self._bus.answers, self.envelope)
        self.token_id = id(token)
        if on_withdrawn is not None:
            self._bus.answers.when_withdrawn(self.envelope, on_withdrawn)
        return token

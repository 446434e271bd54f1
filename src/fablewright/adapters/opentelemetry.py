"""OpenTelemetry sees each message as two spans, on as many hops as a request makes.

::

    tracing = Tracing()
    bus = Bus(BusOptions(traceparent=tracing.traceparent))
    bus.observe(tracing)

The rules, after OpenTelemetry's conventions for messaging:

1. An attempt to ask, or a tell, is a span of kind PRODUCER, named ``ask shelf.fetch``. It begins when the message
   is made and ends with its outcome; that of a tell ends at once. Its context travels in the envelope, as W3C
   writes it; the trace state does not.
2. A handler is a span of kind CONSUMER below it, named ``process shelf.fetch``. It ends when the handler is over,
   or with the outcome if the handler deferred. While the handler runs it is the current span: what others record
   there lies below it, and so does what the handler asks.
3. A message that is sent by no handler lies below the span that is current where it is sent, or begins a trace.
4. A span is ended only after those below it, so that an exporter sees no child of what it has sent away.
5. Retries, hedges, moves of a breaker, refusals and cached replies are events of the current span of who asks.
   A dead letter is a short span of its own: its request has ended. An attempt that begins a trace of its own, for
   nobody handles anything, is linked to the first one.
6. Of spans whose end nobody sees, ``most`` are kept at the most; the oldest are ended with the outcome ``unknown``.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from fablewright.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanContext, TracerProvider

    from fablewright.runtime.events import Event

__all__ = ["Tracing"]

_SENT = {"asked": "ask", "joined": "ask", "told": "tell"}
_REMARKS = {"retried", "hedged", "breaker", "refused", "cached"}
_SYSTEM = "fablewright"


class _Node:
    """A span that has not ended, and how many below it have not."""

    __slots__ = ("deferred", "is_closed", "open_below", "over_at", "parent", "span", "token")

    def __init__(self, span: Span, parent: _Node | None) -> None:
        self.span = span
        self.parent = parent
        self.open_below = 0
        self.over_at: int | None = None  # nanoseconds; None while it goes on
        self.deferred = False
        self.is_closed = False
        self.token: Any = None  # what gives the place of the current span back
        if parent is not None:
            parent.open_below += 1

    def over(self, at: int) -> None:
        """Take note that it is over, and end it when nothing below it is open."""
        self.over_at = at
        if not self.open_below:
            self.close(at)

    def close(self, at: int) -> None:
        """End it, and those above that only waited for it."""
        if self.is_closed:
            return
        self.is_closed = True
        self.span.end(end_time=at if self.over_at is None else self.over_at)
        above, self.parent = self.parent, None
        if above is not None:
            above.open_below -= 1
            if above.over_at is not None and not above.open_below:
                above.close(at)


class Tracing:
    """An observer of a bus that records spans, and what makes the trace context of its messages.

    Args:
        provider: Of the tracer; the global one when None.
        most: How many messages without an end, and how many contexts of ended ones, are kept.
        clock: Nanoseconds since 1970.

    Raises:
        MissingExtra: opentelemetry-api is not installed.
    """

    def __init__(
        self,
        provider: TracerProvider | None = None,
        *,
        most: int = 10_000,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        try:
            from opentelemetry import context, trace  # noqa: PLC0415 - an extra
            from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as above
                TraceContextTextMapPropagator,
            )
        except ModuleNotFoundError as error:
            raise MissingExtra("opentelemetry-api is not installed; run: pip install 'fablewright[otel]'") from error
        self._context = context
        self._trace = trace
        self._w3c = TraceContextTextMapPropagator()
        self._tracer = trace.get_tracer(_SYSTEM, tracer_provider=provider)
        self._most = most
        self._clock = clock
        self._sent: OrderedDict[str, _Node] = OrderedDict()  # by message id
        self._handled: OrderedDict[str, _Node] = OrderedDict()  # by the trace context of the message
        self._contexts: OrderedDict[str, SpanContext] = OrderedDict()  # of messages sent, by id

    def __repr__(self) -> str:
        return f"<Tracing sent={len(self._sent)} handled={len(self._handled)}>"

    def traceparent(self, parent: str | None, message_id: str) -> str | None:
        """Begin the span of a message; return its W3C trace context. To be given to ``BusOptions``.

        Args:
            parent: The trace context of the message that is being handled, if there is one.
            message_id: Of the new message.
        """
        above = None if parent is None else self._handled.get(parent)
        span = self._tracer.start_span(
            "send",
            context=self._below(parent, above),
            kind=self._trace.SpanKind.PRODUCER,
            attributes={"messaging.system": _SYSTEM, "messaging.message.id": message_id},
            start_time=self._clock(),
        )
        carrier: dict[str, str] = {}
        self._w3c.inject(carrier, context=self._trace.set_span_in_context(span))
        if "traceparent" not in carrier:  # nothing is traced here: hand on what came
            return parent
        self._keep(self._sent, message_id, _Node(span, above))
        self._contexts[message_id] = span.get_span_context()
        if len(self._contexts) > self._most:
            self._contexts.popitem(last=False)
        return carrier["traceparent"]

    def __call__(self, event: Event) -> None:
        """Take note of what happened on the bus."""
        what = event.what
        if what in _SENT:
            self._send(event, _SENT[what])
        elif what == "started":
            self._start(event)
        elif what == "ended":
            self._end(event)
        elif what == "finished":
            self._finish(event)
        elif what == "dead_letter":
            self._bury(event)
        elif what in _REMARKS:
            self._remark(event)

    def close(self) -> None:
        """End every span that is still open, as at the end of the program."""
        for kept in (self._handled, self._sent):
            while kept:
                self._give_up(kept)

    # -------------------------------------------------------------- where it belongs

    def _below(self, parent: str | None, above: _Node | None) -> Context | None:
        """Return the context that a message is sent in; None is the current one."""
        if parent is None:
            return None
        if above is None:
            return self._extracted(parent)
        here = self._trace.get_current_span().get_span_context()
        if here.trace_id == above.span.get_span_context().trace_id:
            return None  # the handler's own span, or one that somebody began below it
        return self._trace.set_span_in_context(above.span)

    def _extracted(self, traceparent: str) -> Context:
        return self._w3c.extract({"traceparent": traceparent}, context=self._context.Context())

    def _keep(self, kept: OrderedDict[str, _Node], key: str, node: _Node) -> None:
        if key in kept:
            self._give_up(kept, key)
        kept[key] = node
        if len(kept) > self._most:
            self._give_up(kept)

    def _give_up(self, kept: OrderedDict[str, _Node], key: str | None = None) -> None:
        node = kept.pop(key) if key is not None else kept.popitem(last=False)[1]
        node.span.set_attribute("fablewright.outcome", "unknown")
        node.close(self._clock())

    # -------------------------------------------------------------- what is sent

    def _send(self, event: Event, operation: str) -> None:
        node = self._sent.get(event.message_id)
        if node is None:
            return
        node.span.update_name(f"{operation} {event.to}.{event.action}")
        node.span.set_attributes(_attributes(event, operation, "send"))
        if event.causation_id is None and event.correlation_id != event.message_id:
            first = self._contexts.get(event.correlation_id)
            if first is not None:
                node.span.add_link(first)
        if operation == "tell":
            del self._sent[event.message_id]
            node.over(self._clock())

    def _end(self, event: Event) -> None:
        outcome, _, why = event.detail.partition(": ")
        node = self._sent.pop(event.message_id, None)
        handler = self._handled.get(event.traceparent or "")
        for each in (node, handler):
            if each is not None:
                self._mark(each.span, outcome, why)
        if handler is not None and handler.deferred:
            self._handled.pop(event.traceparent or "")
            handler.over(self._clock())
        if node is not None:
            node.over(self._clock())

    def _mark(self, span: Span, outcome: str, why: str) -> None:
        span.set_attribute("fablewright.outcome", outcome)
        if outcome == "replied":
            return
        span.set_attribute("error.type", outcome)
        if outcome != "cancelled":  # that is a decision, not a fault
            span.set_status(self._trace.StatusCode.ERROR, why or outcome)

    # -------------------------------------------------------------- what is handled

    def _start(self, event: Event) -> None:
        if event.traceparent is None:
            return
        above = self._sent.get(event.message_id)
        context = self._extracted(event.traceparent) if above is None else self._trace.set_span_in_context(above.span)
        span = self._tracer.start_span(
            f"process {event.to}.{event.action}",
            context=context,
            kind=self._trace.SpanKind.CONSUMER,
            attributes={"messaging.system": _SYSTEM, **_attributes(event, "process", "process")},
            start_time=self._clock(),
        )
        node = _Node(span, above)
        self._keep(self._handled, event.traceparent, node)
        node.token = self._context.attach(self._trace.set_span_in_context(span))

    def _finish(self, event: Event) -> None:
        node = self._handled.get(event.traceparent or "")
        if node is None:
            return
        # A handler that was cut off has taken its variables with it; of any other they are those of its worker.
        if self._trace.get_current_span() is node.span:
            self._context.detach(node.token)
        if event.message_id in self._sent:
            node.deferred = True
        else:
            self._handled.pop(event.traceparent or "")
            node.over(self._clock())

    # -------------------------------------------------------------- what is remarkable

    def _remark(self, event: Event) -> None:
        here = self._trace.get_current_span()  # it is told in the task of the one who asks
        if here.is_recording():
            about = {"fablewright.agent": event.to, "fablewright.action": event.action}
            here.add_event(event.what, {**about, "fablewright.detail": event.detail}, timestamp=self._clock())

    def _bury(self, event: Event) -> None:
        about = self._contexts.get(event.message_id)
        if about is not None:
            context = self._trace.set_span_in_context(self._trace.NonRecordingSpan(about))
        elif event.traceparent is not None:
            context = self._extracted(event.traceparent)
        else:
            return
        now = self._clock()
        attributes = {"messaging.system": _SYSTEM, "messaging.message.id": event.message_id, "error.type": event.detail}
        span = self._tracer.start_span("dead_letter", context=context, attributes=attributes, start_time=now)
        span.set_status(self._trace.StatusCode.ERROR, event.detail)
        span.end(end_time=now)


def _attributes(event: Event, operation: str, kind: str) -> dict[str, str | int]:
    """Return what is said of a message, in the words of OpenTelemetry's conventions where they have one."""
    about: dict[str, str | int] = {
        "messaging.destination.name": f"{event.to}.{event.action}",
        "messaging.message.id": event.message_id,
        "messaging.message.conversation_id": event.correlation_id,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "fablewright.attempt": event.attempt,
    }
    if event.sender:
        about["fablewright.sender"] = event.sender
    return about

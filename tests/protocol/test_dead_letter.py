from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from fablewright.protocol.dead_letter import DeadLetter, Reason


def test_reasons_have_names_for_events_and_metrics() -> None:
    names = ["late", "after_cancel", "duplicate", "after_loss", "unknown", "expired", "undeliverable"]
    assert [reason.value for reason in Reason] == names
    assert [reason.name.lower() for reason in Reason] == names


def test_a_dead_letter_carries_what_found_no_taker_and_cannot_be_changed() -> None:
    letter = DeadLetter("n-1", Reason.LATE, 1.0, "documents")
    assert (letter.message_id, letter.reason, letter.at, letter.body) == ("n-1", Reason.LATE, 1.0, "documents")
    assert DeadLetter("n-1", Reason.LATE, 1.0).body is None
    with pytest.raises(FrozenInstanceError):
        letter.reason = Reason.UNKNOWN  # type: ignore[misc]  # that it cannot be changed is what is tested

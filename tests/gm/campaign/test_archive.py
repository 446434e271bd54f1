from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.campaign.archive import Archive, ArchivedCampaign, LogRow, archive_in, file_of
from fablewright.gm.campaign.ports import StoredScene

rows = st.builds(LogRow, st.text(), st.text(), st.text(), st.text())
scenes = st.builds(StoredScene, st.text(), st.text(), st.text())
campaigns = st.builds(
    ArchivedCampaign,
    st.text(),
    st.lists(rows, unique_by=lambda row: row.id, max_size=4).map(tuple),
    st.lists(scenes, max_size=2).map(tuple),
)


@st.composite
def archives(draw: st.DrawFn) -> Archive:
    there = draw(st.lists(campaigns, unique_by=lambda each: each.name, max_size=3))
    names = st.sampled_from([each.name for each in there]) if there else st.nothing()
    choices = draw(st.dictionaries(st.text(), names, max_size=3)) if there else {}
    return Archive(tuple(there), tuple(sorted(choices.items())))


SMALL = Archive(
    (ArchivedCampaign("Tuesday", (LogRow("a", "2026-11-27", "", "{}"),), (StoredScene("t", "d", "{}"),)),),
    (("notes", "Tuesday"),),
)


@given(archives())
def test_what_goes_into_a_file_comes_out_of_it(archive: Archive) -> None:
    content = file_of(archive)
    assert content.isascii()
    assert archive_in(content) == archive
    assert file_of(archive_in(content)) == content


@given(st.data())
def test_a_file_that_was_cut_or_changed_is_refused(data: st.DataObject) -> None:
    content = file_of(SMALL)
    at = data.draw(st.integers(0, len(content) - 2))
    with pytest.raises(InvalidInput, match=r"damaged|no backup|newer"):
        archive_in(content[:at])
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))
    with pytest.raises(InvalidInput, match=r"damaged|no backup|newer"):
        archive_in(content[:at] + bytes([byte]) + content[at + 1 :])


def sealed(*lines: object) -> bytes:
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    return body + json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n"


HEADER = {"format": "fablewright-state", "version": 1, "campaigns": 1, "events": 0, "scenes": 0, "choices": 0}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{**HEADER, "version": 2}, {"campaign": "A"}], "newer Fablewright"),
        ([{**HEADER, "version": "1"}, {"campaign": "A"}], "newer Fablewright"),
        ([{**HEADER, "campaigns": 2}, {"campaign": "A"}], "does not hold as much"),
        ([HEADER, {"campaign": "A"}, {"campaign": "A"}], "line 3 makes no sense"),
        ([HEADER, {"event": ["a", "", "", ""]}], "line 2 makes no sense"),
        ([HEADER, {"campaign": "A"}, {"event": ["a", "", ""]}], "line 3 makes no sense"),
        ([HEADER, {"campaign": "A"}, {"choice": ["n", "B"]}], "line 3 makes no sense"),
        ([HEADER, [1, 2]], "line 2 makes no sense"),
        (["something else"], "no backup"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_though_its_checksum_fits(lines: list[object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        archive_in(sealed(*lines))


def test_the_file_of_the_first_version_stays_readable() -> None:
    content = (
        b'{"format": "fablewright-state", "version": 1, "campaigns": 1, "events": 1, "scenes": 1, "choices": 1}\n'
        b'{"campaign": "Tuesday"}\n{"event": ["a", "2026-11-27", "", "{}"]}\n{"scene": ["t", "d", "{}"]}\n'
        b'{"choice": ["notes", "Tuesday"]}\n'
    )
    content += b'{"sha256": "%s"}\n' % hashlib.sha256(content).hexdigest().encode()
    assert archive_in(content) == SMALL
    assert file_of(SMALL) == content

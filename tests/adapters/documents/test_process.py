from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters.documents import frames, process
from fablewright.adapters.documents.frames import FrameError, read_frame, read_json, write_frame, write_json
from fablewright.adapters.documents.kinds import KINDS
from fablewright.adapters.documents.limits import Limits
from fablewright.adapters.documents.process import DocumentProcess
from fablewright.errors import InvalidInput
from fablewright.gm.reading.notes import Document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = [b"<h1>The Mill</h1>", b"<p>It turns."]
READ = Document("# The Mill\n\nIt turns.\n")

# A worker that does what the first bytes of a document tell it to.
ODD_WORKER = """
import json, os, sys, time
from fablewright.adapters.documents.frames import *
from_, to = sys.stdin.buffer, sys.stdout.buffer
while True:
    read_json(from_)
    order = b""
    while block := read_frame(from_, most=BLOCK):
        order += block
    eval(order.decode())
"""


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DocumentProcess]:
    (tmp_path / "odd_worker.py").write_text(ODD_WORKER, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(process, "_WORKER", "odd_worker")
    documents = DocumentProcess(Limits(step_seconds=1.0, total_seconds=2.0, output=1000))
    yield documents
    documents.close()


def pid(documents: DocumentProcess) -> int:
    assert documents._worker
    return documents._worker._process.pid


def test_one_worker_reads_many_documents(documents: DocumentProcess) -> None:
    assert documents.suffixes == set(KINDS)
    assert documents.convert(".html", PAGE) == READ
    first = pid(documents)
    for refused in (b"", b"\0"):
        with pytest.raises(InvalidInput):
            documents.convert(".html", [refused])
    assert documents.convert(".htm", [b"".join(PAGE)]) == READ
    assert pid(documents) == first


def test_after_a_failure_the_next_document_has_a_fresh_one(documents: DocumentProcess) -> None:
    documents.convert(".html", PAGE)
    first = pid(documents)
    with pytest.raises(InvalidInput, match="damaged, or no EPUB"):
        documents.convert(".epub", [b"PK\3\4 nothing"])
    assert documents.convert(".html", PAGE) == READ
    assert pid(documents) != first


def test_a_worker_that_died_in_between_is_replaced(documents: DocumentProcess) -> None:
    documents.convert(".html", PAGE)
    assert documents._worker
    documents._worker._process.kill()
    documents._worker._process.wait()
    assert documents.convert(".html", PAGE) == READ


def test_closing_ends_the_worker_and_it_may_be_used_again() -> None:
    documents = DocumentProcess()
    documents.close()
    documents.convert(".html", PAGE)
    assert documents._worker
    child = documents._worker._process
    documents.close()
    assert child.returncode is not None
    assert documents.convert(".html", PAGE) == READ
    documents.close()


def test_an_error_of_whoever_reads_the_file_is_passed_on(documents: DocumentProcess) -> None:
    def changing() -> Iterator[bytes]:
        yield b"<p>half"
        raise InvalidInput("it changed while it was read")

    with pytest.raises(InvalidInput, match="it changed while"):
        documents.convert(".html", changing())
    assert documents.convert(".html", PAGE) == READ


def test_documents_from_several_threads(documents: DocumentProcess) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(documents.convert(".html", [b"<p>%d" % n]).text))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"{n}\n" for n in range(8))


def test_closing_waits_for_nobody(documents: DocumentProcess) -> None:
    begun, go_on = threading.Event(), threading.Event()
    found: list[Document] = []

    def slowly() -> Iterator[bytes]:
        begun.set()
        go_on.wait(20)
        yield from PAGE

    thread = threading.Thread(target=lambda: found.append(documents.convert(".html", slowly())))
    thread.start()
    begun.wait(20)
    documents.close()
    assert not found
    go_on.set()
    thread.join()
    assert found == [READ]


def test_a_large_document_goes_through_in_blocks(documents: DocumentProcess) -> None:
    text = "word " * 600_000
    assert documents.convert(".html", [text.encode()]).text == text.strip() + "\n"


def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(InvalidInput, match="no process could be started to read it: no such file"):
        DocumentProcess().convert(".html", PAGE)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ("time.sleep(60)", "longer than 1 s"),
        ("[(write_json(to, dict(state='working')), time.sleep(0.3)) for _ in range(99)]", "longer than 2 s"),
        ("os._exit(3)", "broke down"),
        ("os.kill(os.getpid(), 11)", "broke down"),
        ("write_frame(to, b'[1, 2]')", "broke down"),
        ("write_frame(to, b'{')", "broke down"),
        ("(to.write(b'\\xff\\xff\\xff\\xff'), to.flush())", "broke down"),
        ("write_json(to, dict(state='odd'))", "broke down"),
        ("(write_json(to, dict(state='done', pages=[0, 'x'])), write_frame(to, b'text'))", "broke down"),
        ("(write_json(to, dict(state='done', pages=[3, 1])), write_frame(to, b'text'))", "broke down"),
        ("(write_json(to, dict(state='done', pages=[99])), write_frame(to, b'text'))", "broke down"),
        ("(write_json(to, dict(state='done', pages=[])), write_frame(to, b'\\xff'))", "broke down"),
        ("(write_json(to, dict(state='done', pages=[])), write_frame(to, b'x' * 1001))", "broke down"),
        ("write_json(to, dict(state='refused', why='two\\nlines' + 'x' * 500))", "^two linesx{291}$"),
    ],
)
def test_whatever_a_worker_does_is_one_line_and_the_next_document_is_read(
    odd: DocumentProcess, order: str, why: str
) -> None:
    begun = time.perf_counter()
    with pytest.raises(InvalidInput, match=why):
        odd.convert(".html", [order.encode()])
    assert time.perf_counter() - begun < 10
    fine = "(write_json(to, dict(state='done', pages=[0, 2], remark='odd')), write_frame(to, b'text'))"
    assert odd.convert(".html", [fine.encode()]) == Document("text", (0, 2), "odd")


def test_a_worker_that_reads_nothing_holds_nobody_up(odd: DocumentProcess, tmp_path: Path) -> None:
    (tmp_path / "odd_worker.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="longer than 1 s"):
        odd.convert(".html", [b"x" * 4_000_000])  # more than a pipe holds


def test_the_worker_ends_with_its_caller() -> None:
    code = (
        "import os\nfrom fablewright.adapters.documents.process import DocumentProcess\n"
        "d = DocumentProcess()\nd.convert('.html', [b'<p>x'])\n"
        "print(d._worker._process.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    worker = int(ran.stdout)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the worker lives on")


def test_the_caller_imports_no_converter() -> None:
    code = (
        "import sys\nfrom fablewright.adapters.documents.process import DocumentProcess\n"
        "d = DocumentProcess()\nd.convert('.html', [b'<p>x'])\nd.close()\n"
        "print(sorted({'mammoth', 'pypdfium2', 'selectolax', 'pickle'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_size_of_the_caller_does_not_count_for_the_worker() -> None:
    code = (
        "from fablewright.adapters.documents.process import DocumentProcess\n"
        "from fablewright.errors import InvalidInput\n"
        "large = bytearray(600_000_000)\nlarge[::4096] = b'x' * len(large[::4096])\n"
        "d = DocumentProcess()\n"
        "for _ in range(3):\n    d.convert('.html', [b'<p>x'])\n    print(d._worker._process.pid)\n"
        "try:\n    d.convert('.epub', [b'PK nothing'])\nexcept InvalidInput as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    *workers, why = ran.stdout.splitlines()
    assert len(set(workers)) == 1
    assert why == "it is damaged, or no EPUB"


def test_a_worker_may_not_use_the_network_or_start_programs() -> None:
    code = (
        "from fablewright.adapters.documents.limits import hold\nhold(1 << 29)\n"
        "import socket, subprocess\n"
        "for call in (lambda: socket.create_connection(('127.0.0.1', 9)), lambda: subprocess.run(['true'])):\n"
        "    try:\n        call()\n    except PermissionError as error:\n        print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert len(ran.stdout.splitlines()) == 2
    assert ran.stdout.count("a converter may not do this: ") == 2


def test_frames_are_bounded_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    with path.open("wb") as stream:
        write_frame(stream, b"")
        write_json(stream, {"a": [1]})
        write_frame(stream, b"x" * 11)
        stream.write(b"\0\0\0\5ab")
    with path.open("rb") as stream:
        assert read_frame(stream, most=0) == b""
        assert read_json(stream) == {"a": [1]}
        with pytest.raises(FrameError, match="too large"):
            read_frame(stream, most=10)
        stream.seek(11, os.SEEK_CUR)
        with pytest.raises(FrameError, match="ended"):
            read_frame(stream, most=10)
    assert frames.BLOCK == 1 << 20

"""What caller and worker say to each other: runs of bytes with their length in front, and JSON in some of them.

Never pickle: the worker has had a hostile document in its hands, and nothing that it says may do more than be
looked at.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BLOCK", "FrameError", "read_frame", "read_json", "write_frame", "write_json"]

BLOCK = 1 << 20
"""Bytes of a document that are sent at a time."""
_LENGTH = struct.Struct(">I")
_MOST_JSON = 1 << 20


class FrameError(Exception):
    """What came is no frame: the other side is gone, or not itself."""


def write_frame(stream: BinaryIO, data: bytes) -> None:
    """Write one run of bytes, which may be empty.

    Raises:
        OSError: The other side is gone.
    """
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: BinaryIO, *, most: int) -> bytes:
    """Return one run of bytes.

    Args:
        stream: Where it comes from.
        most: Bytes that it may have.

    Raises:
        FrameError: The stream ended, or the run is larger.
    """
    (size,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if size > most:
        raise FrameError("too large")
    return _exactly(stream, size)


def write_json(stream: BinaryIO, value: Mapping[str, object]) -> None:
    """Write one object."""
    write_frame(stream, json.dumps(value).encode())


def read_json(stream: BinaryIO) -> dict[str, object]:
    """Return one object.

    Raises:
        FrameError: It is none, or the stream ended.
    """
    try:
        value = json.loads(read_frame(stream, most=_MOST_JSON))
    except (ValueError, RecursionError) as error:
        raise FrameError("no JSON") from error
    if not isinstance(value, dict):
        raise FrameError("no object")
    return value


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise FrameError("the stream ended")
    return data

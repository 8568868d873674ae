"""An image's size in pixels, read from the first bytes of a ``data:`` URL.

The bytes are a stranger's. Whatever is not plainly one of the four formats that models accept, or
is cut short, or names no size, has no size here, and its caller assumes the largest.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Final

# Enough for a JPEG whose size comes after a full segment of metadata and a colour profile.
HEAD_BYTES_MAX: Final = 256 * 1024

# A real file names its size long before so many steps; a forged one is not followed further.
STEPS_MAX: Final = 4096

_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEGMENT: Final = frozenset({0xC4, 0xCC, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels, both positive."""

    width: int
    height: int


def size_of(data_url: str) -> Size | None:
    """The size of the image in a base64 ``data:`` URL; ``None`` if its bytes do not tell."""
    head, comma, _ = data_url[:256].partition(",")
    if not comma or not head.lower().endswith(";base64"):
        return None
    start = len(head) + 1
    encoded = data_url[start : start + HEAD_BYTES_MAX // 3 * 4]
    try:
        width, height = _dimensions(base64.b64decode(encoded, validate=True))
    except (ValueError, binascii.Error, struct.error, IndexError):
        return None
    return Size(width, height) if width > 0 and height > 0 else None


def _dimensions(data: bytes) -> tuple[int, int]:
    """Width and height; zero where there are none.

    Raises:
        struct.error, IndexError: the data ends before them.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"):
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _gif(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    return 0, 0


def _gif(data: bytes) -> tuple[int, int]:
    """The canvas, grown to hold the first frame: decoders show what lies outside it."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    in_extension = False
    for _ in range(STEPS_MAX):
        if in_extension:
            in_extension = data[position] > 0
            position += data[position] + 1
        elif data[position] == 0x21:  # noqa: PLR2004 - an extension: a label, then sub-blocks
            in_extension = True
            position += 2
        elif data[position] == 0x2C:  # noqa: PLR2004 - a frame
            left, top, across, down = struct.unpack_from("<HHHH", data, position + 1)
            return max(width, left + across), max(height, top + down)
        else:
            break
    return 0, 0


def _jpeg(data: bytes) -> tuple[int, int]:
    """The frame header's; segments before it are skipped by their lengths."""
    position = 2
    for _ in range(STEPS_MAX):
        if data[position] != 0xFF:  # noqa: PLR2004 - what every marker begins with
            break
        marker = data[position + 1]
        if marker in _FRAME:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        if marker in _SEGMENT:
            (length,) = struct.unpack_from(">H", data, position + 2)
            position += 2 + max(length, 2)
        elif marker == 0xFF:  # noqa: PLR2004 - padding
            position += 1
        else:
            break
    return 0, 0


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
        return (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1
    if kind == b"VP8L" and data[20] == 0x2F:  # noqa: PLR2004 - its signature
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0

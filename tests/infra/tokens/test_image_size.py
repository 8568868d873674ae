import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.infra.tokens.image_size import HEAD_BYTES_MAX, Size, size_of

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480) + b"\x08\x02\0\0\0"
GIF = b"GIF89a" + struct.pack("<HHBBB", 640, 480, 0x80, 0, 0) + bytes(6)
FRAME = b"\x2c" + struct.pack("<HHHHB", 0, 0, 640, 480, 0)
SOF = b"\xff\xc2\0\x11\x08" + struct.pack(">HH", 480, 640) + bytes(10)
WEBP = b"RIFF\0\0\0\0WEBP"


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


THUMBNAIL = b"\xff\xd8" + b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 1, 1)


@pytest.mark.parametrize(
    "data",
    [
        PNG,
        GIF + FRAME,
        GIF + b"\x21\xf9\x04\0\0\0\0\0" + FRAME,
        b"\xff\xd8" + SOF,
        b"\xff\xd8" + segment(0xE0, b"JFIF\0") + segment(0xDB, bytes(65)) + SOF,
        b"\xff\xd8" + segment(0xE1, b"Exif\0\0" + THUMBNAIL) + b"\xff\xff\xff" + SOF,
        b"\xff\xd8" + segment(0xE2, bytes(65_000)) * 3 + SOF,
        WEBP + b"VP8 \0\0\0\0\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 640, 480),
        WEBP + b"VP8L\0\0\0\0\x2f" + struct.pack("<I", 639 | 479 << 14),
        WEBP + b"VP8X\x0a\0\0\0\0\0\0\0" + b"\x7f\x02\0" + b"\xdf\x01\0",
    ],
    ids=["png", "gif", "gif-extension", "jpeg", "jfif", "thumbnail", "profile", "vp8", "vp8l",
         "vp8x"],
)  # fmt: skip
def test_the_four_formats_tell_their_size(data: bytes) -> None:
    assert size_of(url(data + bytes(40))) == Size(640, 480)


def test_the_bytes_tell_the_format_and_not_the_label() -> None:
    assert size_of(url(PNG, "image/jpeg;charset=x")) == Size(640, 480)


def test_a_gif_frame_outside_its_canvas_counts() -> None:
    tiny = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    assert size_of(url(tiny + FRAME)) == Size(640, 480)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data:",
        "data:image/png;base64,",
        "data:image/png," + base64.b64encode(PNG).decode(),
        "data:image/png;base64," + base64.b64encode(PNG).decode()[:-1],
        "data:image/png;base64,\u00e9\u00e9\u00e9\u00e9",
        "data:image/png;base64,\n" + base64.b64encode(PNG).decode(),
        "data:" + "x" * 300 + ";base64," + base64.b64encode(PNG).decode(),
        "https://example.com/cat.png",
        url(PNG[:20]),
        url(PNG.replace(struct.pack(">I", 640), bytes(4))),
        url(b"BM" + bytes(60)),
        url(b"<svg width='1' height='1'/>"),
        url(GIF + b"\x21\xff" + b"\x01\0" * 20_000 + FRAME),
        url(GIF + b"\x3b"),
        url(b"\xff\xd8\xff\xda" + SOF),
        url(b"\xff\xd8\xff" + b"\xff" * 20_000 + SOF),
        url(b"\xff\xd8" + segment(0xE2, bytes(65_000)) * 5 + SOF),
        url(b"\xff\xd8" + SOF.replace(struct.pack(">H", 480), bytes(2))),
        url(WEBP + b"VP8 \0\0\0\0\x10\0\0xxx" + struct.pack("<HH", 640, 480)),
    ],
)
def test_what_does_not_plainly_tell_its_size_has_none(text: str) -> None:
    assert size_of(text) is None


@given(
    st.sampled_from([b"", PNG[:16], GIF, b"\xff\xd8\xff", WEBP + b"VP8X", WEBP + b"VP8L"]),
    st.binary(max_size=60),
)
def test_no_bytes_make_it_fail(start: bytes, rest: bytes) -> None:
    size = size_of(url(start + rest))
    assert size is None or (size.width > 0 and size.height > 0)


def test_only_the_head_is_decoded() -> None:
    damaged_far_behind = url(PNG + bytes(HEAD_BYTES_MAX)) + "!!not base64!!"
    assert size_of(damaged_far_behind) == Size(640, 480)

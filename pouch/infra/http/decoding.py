"""Content encodings that nobody asked for, undone in steps of bounded size."""

import asyncio
import zlib
from collections.abc import Callable
from typing import Final, Protocol

import httpx

from pouch.infra.http.stream import ResumableStream

# What one step may produce, however little it was made of.
STEP_BYTES_MAX: Final = 256 * 1024

_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS
# The low bits of a zlib stream's first byte that say "deflate".
_DEFLATE_METHOD: Final = 8


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


Begin = Callable[[bytes], _Inflater]


def decoder_of(encoding: str) -> Begin | None:
    """What begins to undo ``encoding``, given the first bytes; ``None`` if nothing is to be undone.

    Raises:
        httpx.DecodingError: the encoding is unknown.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return lambda _: zlib.decompressobj(_GZIP)
        case "deflate":
            return _begin_deflate
    raise httpx.DecodingError("content-encoding is unknown, and was not asked for")


class DecodedStream(ResumableStream):
    """``inner`` with its encoding undone. Incomplete data never ends in an orderly way."""

    def __init__(self, inner: ResumableStream, begin: Begin) -> None:
        self._inner = inner
        self._begin = begin
        self._inflater: _Inflater | None = None
        self._input = b""

    async def __anext__(self) -> bytes:
        """See ``ResumableStream``; at most ``STEP_BYTES_MAX``.

        Raises:
            httpx.RemoteProtocolError: what came is not in the encoding that was announced.
        """
        while True:
            if self._input:
                # Others get their turn between two steps, however long a bomb goes on.
                await asyncio.sleep(0)
            else:
                await self._read()
            output = self._step()
            if output:
                return output

    async def aclose(self) -> None:
        self._input = b""
        await self._inner.aclose()

    async def _read(self) -> None:
        try:
            self._input = await anext(self._inner)
        except StopAsyncIteration:
            if self._inflater is not None and not self._inflater.eof:
                raise httpx.RemoteProtocolError("the compressed answer was cut off") from None
            raise

    def _step(self) -> bytes:
        inflater = self._inflater
        if inflater is None or inflater.eof:
            inflater = self._inflater = self._begin(self._input)
        try:
            output = inflater.decompress(self._input, STEP_BYTES_MAX)
        except zlib.error:
            raise httpx.RemoteProtocolError("the answer is not compressed as it says") from None
        self._input = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        return output


def _begin_deflate(start: bytes) -> _Inflater:
    """Servers mean either of two formats by "deflate"; a zlib header tells them apart."""
    is_zlib = start[0] & 0x0F == _DEFLATE_METHOD
    return zlib.decompressobj(_ZLIB if is_zlib else _RAW)

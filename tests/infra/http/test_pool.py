"""The lean carrier's pool, among servers and callers that do the worst at random."""

import asyncio
import random
from dataclasses import dataclass

import httpx
import pytest

from pouch.infra.http import LeanTransport
from tests.fakes.carriers import PATIENT
from tests.fakes.raw_server import Peer, RawServer, keep_answering, raw_server

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nHi"
CONNECTIONS = 3


@dataclass
class FickleServer:
    """Answers, or does not, as chance has it."""

    chance: random.Random

    async def script(self, peer: Peer) -> None:
        while True:
            await peer.request()
            for _ in range(self.chance.randrange(3)):
                await asyncio.sleep(0)
            match self.chance.randrange(7):
                case 0:
                    return
                case 1:
                    peer.reset()
                    return
                case 2:
                    await peer.write(UNTIL_CLOSED)
                    return
                case 3:
                    await peer.write(HI + b"surplus")
                case _:
                    await peer.write(HI)


async def ask(carrier: LeanTransport, server: RawServer) -> bytes:
    answer = await carrier.handle_async_request(httpx.Request("POST", server.url, content=b"{}"))
    return await answer.aread()


async def ask_and_leave(
    carrier: LeanTransport, server: RawServer, chance: random.Random
) -> list[bytes | BaseException]:
    """How 400 requests end, of which many are cancelled at any moment."""
    asking: list[asyncio.Task[bytes]] = []
    for _ in range(400):
        asking.append(asyncio.create_task(ask(carrier, server)))
        if chance.random() < 0.5:
            await asyncio.sleep(0)
        if chance.random() < 0.4:
            chance.choice(asking[-8:]).cancel()
    return await asyncio.gather(*asking, return_exceptions=True)


@pytest.mark.parametrize("seed", range(5))
async def test_no_place_is_lost_whatever_happens_to_who_has_it(seed: int) -> None:
    chance = random.Random(seed)
    carrier = LeanTransport(PATIENT, connections_max=CONNECTIONS)
    async with raw_server(FickleServer(chance).script) as server:
        ends = await ask_and_leave(carrier, server, chance)
        assert {end for end in ends if isinstance(end, bytes)} == {b"Hi"}
        kinds = {type(end) for end in ends}
        assert {asyncio.CancelledError, httpx.RemoteProtocolError} <= kinds
        assert all(
            issubclass(kind, (httpx.TransportError, asyncio.CancelledError, bytes))
            for kind in kinds
        )

        server.script = keep_answering(HI)
        for peer in server.peers:
            peer.writer.transport.abort()
        await asyncio.wait(server.tasks)
        assert await asyncio.gather(*[ask(carrier, server) for _ in range(9)]) == [b"Hi"] * 9
        [pool] = carrier._pools.values()
        assert pool._open == len(pool._all) == len(pool._idle) == CONNECTIONS
        await carrier.aclose()
        assert pool._open == 0

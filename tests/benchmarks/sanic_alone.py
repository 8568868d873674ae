"""Sanic answering as the scripted provider does, without a provider: the floor under Pouch.

``python -m tests.benchmarks.sanic_alone PORT``.
"""

import sys

from sanic import Request, Sanic
from sanic.response import HTTPResponse, raw

from tests.benchmarks.upstream import BODY


def create_app() -> Sanic:  # type: ignore[type-arg]
    app = Sanic("alone")

    @app.post("/v1/chat/completions")
    async def answer(request: Request) -> HTTPResponse:
        return raw(BODY, content_type="application/json")

    return app


if __name__ == "__main__":
    create_app().run("127.0.0.1", int(sys.argv[1]), single_process=True, access_log=False)

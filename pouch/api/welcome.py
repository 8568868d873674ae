"""A plain page where the dashboard is not built: how to build it, and what works without it."""

from collections.abc import Sequence
from html import escape
from typing import Final

from sanic import Blueprint, HTTPResponse, Request

_HEADERS: Final = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Pouch</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 4rem auto;
  padding: 0 1rem }}
pre {{ overflow-x: auto; padding: 1rem; border-radius: .5rem; background: #8881; font-size: 14px }}
</style></head><body>
<h1>Pouch</h1>
<p>An OpenAI-compatible gateway that reserves the most a request can cost before it leaves, and
settles the real cost after.</p>
<p><strong>The dashboard is not built.</strong> Where Pouch was installed from its source tree,
<code>make frontend</code> builds it, with Node or, without one, with a Node from PyPI; then start
the gateway again. The gateway itself works without it.</p>
<p>The administrator's token was printed once, when the server first started; it is also whatever
<code>POUCH_ADMIN_TOKEN</code> says. With it, make a key:</p>
<pre>curl {base}/api/keys \\
  -H "Authorization: Bearer $POUCH_ADMIN_TOKEN" \\
  -d '{{"name": "my-app", "budget": {{"limit_usd": "5.00", "period": "month"}}}}'</pre>
<p>With the key, make a request:</p>
<pre>curl {base}/v1/chat/completions \\
  -H "Authorization: Bearer $POUCH_KEY" \\
  -d '{{"model": "mock", "messages": [{{"role": "user", "content": "Hello"}}]}}'</pre>
<p>Or point any OpenAI client at <code>{base}/v1</code>.</p>
</body></html>
"""


def pages(names: Sequence[str]) -> Blueprint:
    """The page, in the place of the dashboard's, which have these names."""
    blueprint = Blueprint("welcome")
    for name in ("", *names):
        blueprint.add_route(_welcome, f"/{name}", methods=["GET", "HEAD"], name=name or "index")
    return blueprint


async def _welcome(request: Request) -> HTTPResponse:
    """The page, with this server's own address in its examples."""
    base = escape(f"{request.scheme}://{request.host}")
    return HTTPResponse(
        _PAGE.format(base=base), headers=_HEADERS, content_type="text/html; charset=utf-8"
    )

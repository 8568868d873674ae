"""The dashboard's pages, or, where they have not been built, one that says how to build them."""

from pathlib import Path
from typing import Final

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound

import pouch
from pouch.api import errors, welcome
from pouch.api.lifecycle import App
from pouch.api.static_files import StaticFile, read_folder

STATIC: Final = Path(pouch.__file__).parent / "static"
PAGES: Final = (
    "keys",
    "requests",
    "usage",
    "live",
    "playground",
    "pipeline",
    "providers",
    "settings",
    "login",
)
_METHODS: Final = ["GET", "HEAD"]
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
# Below these only programs ask, whatever they say that they accept.
_PROGRAMS: Final = ("/api/", "/v1/")


def is_built(folder: Path = STATIC) -> bool:
    """The pages are there."""
    return (folder / "index.html").is_file()


def install(app: App, folder: Path = STATIC) -> None:
    """Serve the pages of ``folder``, which is read here, once."""
    if not is_built(folder):
        app.blueprint(welcome.pages(PAGES))
        return
    files = read_folder(folder, _HEADERS)
    app.blueprint(_pages(files))
    _show_missing_pages(app, files["404.html"])


def _pages(files: dict[str, StaticFile]) -> Blueprint:
    blueprint = Blueprint("dashboard")

    async def page(request: Request) -> HTTPResponse:
        name = request.path.strip("/") or "index"
        return files[f"{name}.html"].respond(request)

    async def asset(request: Request) -> HTTPResponse:
        return files[request.path.removeprefix("/")].respond(request)

    for name in ("", *PAGES):
        blueprint.add_route(page, f"/{name}", methods=_METHODS, name=name or "index")
    for path in files:
        if not path.endswith(".html"):
            name = "file_" + "".join(c if c.isalnum() else "_" for c in path)
            blueprint.add_route(asset, f"/{path}", methods=_METHODS, name=name, strict_slashes=True)
    return blueprint


def _show_missing_pages(app: App, missing: StaticFile) -> None:
    """A person gets a page where there is none; a program gets the error that it can read."""

    @app.exception(NotFound)
    async def on_not_found(request: Request, error: NotFound) -> HTTPResponse:
        accepts: str = request.headers.get("accept") or ""
        if "text/html" in accepts and not request.path.startswith(_PROGRAMS):
            return missing.respond(request, 404)
        return errors.answer(request, error)

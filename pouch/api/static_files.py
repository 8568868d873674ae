"""A folder of files that is read once, at start-up, and served from memory.

Whatever is asked for is looked up in a map, so no address can lead out of the folder.
"""

import base64
import hashlib
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from sanic import HTTPResponse, Request

# Built files are small; a folder beyond this is not one of ours.
FOLDER_BYTES_MAX: Final = 32 * 1024 * 1024
# In the order of preference, with the suffix of the file that holds it.
_ENCODINGS: Final[Mapping[str, str]] = {"br": ".br", "gzip": ".gz"}
_INLINE: Final = re.compile(rb"<(script|style)(?![^>]*\ssrc=)[^>]*>(.*?)</\1>", re.DOTALL)
_TYPES: Final[Mapping[str, str]] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One encoding of a file, and its strong ETag."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file with every encoding that it has; ``""`` is the file itself."""

    content_type: str
    variants: Mapping[str, Variant]
    headers: Mapping[str, str]

    def respond(self, request: Request, status: int = HTTPStatus.OK) -> HTTPResponse:
        """The file as the client can take it, or 304 where it has it."""
        encoding = _preferred(request.headers.get("accept-encoding") or "", self.variants)
        variant = self.variants[encoding]
        headers = {**self.headers, "etag": variant.etag}
        if len(self.variants) > 1:
            headers["vary"] = "accept-encoding"
        if status == HTTPStatus.OK and _has(
            request.headers.get("if-none-match") or "", variant.etag
        ):
            return HTTPResponse(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        if encoding:
            headers["content-encoding"] = encoding
        return HTTPResponse(variant.body, status, headers, self.content_type)


def read_folder(folder: Path, headers: Mapping[str, str]) -> dict[str, StaticFile]:
    """Every file below ``folder`` by its path, such as ``_astro/keys.js``, each with ``headers``.

    Those below ``_astro`` have a hash in their name, so they may be kept for ever; the others are
    asked for anew each time. Pages get a policy that names their own inline scripts and no others.
    """
    bodies = {name: path.read_bytes() for name, path in _files(folder)}
    if sum(map(len, bodies.values())) > FOLDER_BYTES_MAX:
        raise ValueError(f"{folder} holds more than {FOLDER_BYTES_MAX} bytes")
    found = {}
    for name, body in bodies.items():
        if any(name.endswith(suffix) for suffix in _ENCODINGS.values()):
            continue
        kept = name.startswith("_astro/")
        own = {"cache-control": "public, max-age=31536000, immutable" if kept else "no-cache"}
        if name.endswith(".html"):
            own["content-security-policy"] = policy(body)
        found[name] = StaticFile(_type_of(name), _variants(name, bodies), {**headers, **own})
    return found


def policy(page: bytes) -> str:
    """A Content-Security-Policy under which ``page`` runs, and nothing that is injected into it."""
    hashes: dict[bytes, list[str]] = {b"script": ["'self'"], b"style": ["'self'"]}
    for kind, content in _INLINE.findall(page):
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        if f"'sha256-{digest}'" not in hashes[kind]:
            hashes[kind].append(f"'sha256-{digest}'")
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(hashes[b'script'])}",
            f"style-src {' '.join(hashes[b'style'])}",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield name, path


def _variants(name: str, bodies: Mapping[str, bytes]) -> dict[str, Variant]:
    bodies_by_encoding = {
        encoding: bodies[name + suffix]
        for encoding, suffix in _ENCODINGS.items()
        if name + suffix in bodies
    }
    return {
        encoding: Variant(body, f'"{hashlib.sha256(body).hexdigest()[:24]}"')
        for encoding, body in {**bodies_by_encoding, "": bodies[name]}.items()
    }


def _type_of(name: str) -> str:
    suffix = Path(name).suffix
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _preferred(accepted: str, variants: Mapping[str, Variant]) -> str:
    """The first encoding that there is and that the client takes; a weight of 0 refuses it."""
    taken = {}
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        taken[name.strip()] = weight.replace(" ", "").removeprefix("q=").rstrip("0.") != ""
        if not weight:
            taken[name.strip()] = True
    return next((name for name in variants if name and taken.get(name, False)), "")


def _has(if_none_match: str, etag: str) -> bool:
    """The client has this version. Comparison is weak: a proxy may have marked it so."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags

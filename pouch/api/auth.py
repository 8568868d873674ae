"""Who is asking: a client by its key, an administrator by token or session.

A session is stateless, so that every worker knows it: an expiry, signed with a key that is
derived from the admin token's hash. It ends after seven days, or when the admin token changes;
signing out takes it from the browser. Whoever can read that hash can forge a session, just as
whoever can write the store could replace the hash; neither learns the token.
"""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import urlsplit

from sanic import Request

from pouch.api.throttle import FailureThrottle
from pouch.domain.errors import (
    AuthenticationError,
    PermissionDeniedError,
    StoreUnavailableError,
)
from pouch.domain.key import Key, hash_of
from pouch.domain.ports import Clock
from pouch.service.admin_token import AdminTokens
from pouch.service.keys import KeyService

T = TypeVar("T")

SESSION_COOKIE: Final = "pouch_session"
SESSION_LIFETIME: Final = timedelta(days=7)
# What cannot change anything, and so needs no proof of where it comes from.
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def bearer(request: Request) -> str:
    """The secret that a request carries, in the header of OpenAI's or another vendor's clients.

    Raises:
        AuthenticationError: it carries none.
    """
    authorization: str | None = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() == "bearer" and secret.strip():
            return secret.strip()
        raise AuthenticationError("The Authorization header must be 'Bearer ' and a key.")
    key: str = request.headers.get("x-api-key") or request.headers.get("api-key") or ""
    if not key:
        raise AuthenticationError(
            "No API key was given: send an 'Authorization: Bearer ...' header."
        )
    return key


async def key_of(request: Request, keys: KeyService) -> Key:
    """The key that a request is made with; it may be disabled or have expired.

    Raises:
        AuthenticationError: none, or none that is known.
    """
    secret = bearer(request)
    return keys.cached(secret) or await keys.authenticate(secret)


class AdminAuth:
    """Lets administrators in. ``token_hash`` is the SHA-256 of the admin token, in hexadecimal;
    ``None`` while nobody knows which one is good, and then nobody is let in.
    """

    def __init__(self, token_hash: str, clock: Clock) -> None:
        self.renew(token_hash)
        self._clock = clock
        self._throttle = FailureThrottle(clock)

    def renew(self, token_hash: str | None) -> None:
        """From now on another token is good, and the sessions under the one before are not."""
        self.token_hash = None if token_hash is None else token_hash.lower()
        self._session_key = _session_key(self.token_hash)

    def require(self, request: Request) -> None:
        """Let a request pass that has the token, or a session and comes from the dashboard.

        A session is looked at first: it cannot be guessed, so failures of others who share the
        client's address do not shut it out.

        Raises:
            AuthenticationError: neither is valid.
            PermissionDeniedError: a page of another site may have sent it.
            RateLimitError: too many wrong tokens came from this address.
        """
        if "authorization" not in request.headers and self.session_until(request) is not None:
            _check_origin(request)
            return
        self.check_token(_admin_token(request), address=request.client_ip)

    def check_token(self, token: str, *, address: str) -> None:
        """Compare a token in constant time.

        Raises:
            AuthenticationError: it is another.
            RateLimitError: too many wrong ones came from this address.
            StoreUnavailableError: nobody knows the right one now.
        """
        if self.token_hash is None:
            raise StoreUnavailableError("The admin token cannot be checked now.")
        self._throttle.check(address)
        if not hmac.compare_digest(hash_of(token), self.token_hash):
            self._throttle.failed(address)
            raise AuthenticationError("The admin token is wrong.")

    def new_session(self) -> tuple[str, datetime]:
        """A cookie's value, and when it ends."""
        until = (self._clock.now() + SESSION_LIFETIME).replace(microsecond=0)
        moment = str(int(until.timestamp()))
        return f"{moment}.{self._signature(moment)}", until

    def session_until(self, request: Request) -> datetime | None:
        """When the session of a request ends; ``None`` if it has none that is valid."""
        moment, _, signature = (request.cookies.get(SESSION_COOKIE) or "").partition(".")
        if self._session_key is None:
            return None
        genuine = self._signature(moment).encode()
        if not hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), genuine):
            return None
        until = datetime.fromtimestamp(int(moment), UTC)
        return until if self._clock.now() < until else None

    def _signature(self, moment: str) -> str:
        assert self._session_key is not None
        message = moment.encode("utf-8", "surrogatepass")
        return hmac.digest(self._session_key, message, "sha256").hex()


def _session_key(token_hash: str | None) -> bytes | None:
    """What sessions are signed with under this token."""
    if token_hash is None:
        return None
    return hmac.digest(token_hash.encode(), b"pouch session 1", "sha256")


async def by_newest_token(auth: AdminAuth, tokens: AdminTokens, check: Callable[[], T]) -> T:
    """What ``check`` says, asked again if the token was rotated by another worker just now.

    Raises:
        AuthenticationError: it refuses under the newest token, too.
        StoreUnavailableError: which token is the newest cannot be told.
    """
    try:
        return check()
    except AuthenticationError:
        newer = await tokens.newer_than(auth.token_hash)
        if newer is None:
            raise
        auth.renew(newer)
        return check()


def is_https(request: Request) -> bool:
    """The client speaks TLS, to this server or to a proxy before it."""
    forwarded: str = request.headers.get("x-forwarded-proto") or ""
    return request.scheme == "https" or forwarded.partition(",")[0].strip().lower() == "https"


def _admin_token(request: Request) -> str:
    try:
        return bearer(request)
    except AuthenticationError as error:
        raise AuthenticationError(
            "Administration needs an 'Authorization: Bearer <admin token>' header or a session."
        ) from error


def _check_origin(request: Request) -> None:
    """Refuse a change that a page of another site made the browser send.

    Browsers say where a request comes from: ``sec-fetch-site`` where the connection is secure or
    local, ``origin`` with every change. What says neither is no browser, and can send the token.
    """
    if request.method in _SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    origin: str = request.headers.get("origin") or ""
    if site is None and origin and _host_in(origin) == request.host.lower():
        return
    if site != "same-origin":
        raise PermissionDeniedError(
            "A session may change something only from the dashboard's own pages; "
            "scripts send the admin token instead."
        )


def _host_in(origin: str) -> str | None:
    """``host:port`` of an origin; ``None`` where it is "null" or nonsense."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None

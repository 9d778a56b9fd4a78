"""Who may open the page: a known host name in front of every request, and a token.

The server listens on this machine only. Two ways in remain, and both end here: a page elsewhere
whose name is made to point at this machine (DNS rebinding), and other people's programs on the
same machine.
"""

import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
TOKEN = "token"
"""The name of the token in the printed address."""
TOKEN_BYTES = 24
POLICY_VIOLATION = 1008
"""The code that closes a WebSocket which may not be opened (RFC 6455)."""

# Whatever a text from a file may turn into, the browser asks nobody else for anything.
# Streamlit and Vega need inline styles, eval and blobs; the address of the socket is added.
CONTENT_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "connect-src 'self' data: blob: ws://{host} wss://{host}; "
    "frame-ancestors 'self'; form-action 'self'; base-uri 'self'; object-src 'none'"
)

NO_SUCH_NAME = (
    "This server is not known by the name in the address. Open it as http://localhost:PORT, or "
    "start it with: fsh dashboard --host NAME"
)
NO_TOKEN = (
    "Open the whole address that fsh dashboard printed in the terminal; it ends in a token. "
    "It is needed once for each browser and each start of the server."
)


class Keys:
    """The secrets of one start of the server.

    Attributes
    ----------
    token : str
        Of the printed address.
    first : str
        Of the address that the server opens in a browser by itself. It is good for one time:
        other users of the machine can see the words that a browser is started with.
    cookie : str
        What a browser gets for either of them.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.first = secrets.token_urlsafe(TOKEN_BYTES)
        self.cookie = secrets.token_urlsafe(TOKEN_BYTES)
        self._is_first_used = False

    def admits(self, token: str) -> bool:
        """Tell whether a token opens the page; the first key does so once."""
        if _same(token, self.token):
            return True
        is_first = _same(token, self.first) and not self._is_first_used
        self._is_first_used = self._is_first_used or is_first
        return is_first

    def knows(self, cookie: str) -> bool:
        """Tell whether a browser was let in before."""
        return _same(cookie, self.cookie)


class Gate:
    """ASGI middleware in front of everything that the server answers, sockets and files too.

    Parameters
    ----------
    app : ASGI application
        What is behind the gate.
    names : iterable of str
        Host names by which the server may be reached; any port.
    keys : Keys or None
        None lets everybody in who is on this machine.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], keys: Keys | None) -> None:
        self.app = app
        self.names = frozenset(name.lower() for name in names)
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] not in ("http", "websocket"):  # start and end of the server
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = self._answer(scope, headers)
        if answer is None:
            await self.app(scope, receive, _with_policy(send, headers["host"]))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await answer(scope, receive, send)

    def _answer(self, scope: Scope, headers: Headers) -> Response | None:
        """Give the gate's own answer; None where the request may pass."""
        if not self._is_known(headers):
            return PlainTextResponse(NO_SUCH_NAME, 403)
        if self.keys is None:
            return None
        cookie = f"fsh-{(scope.get('server') or ('', 0))[1]}"  # ports share their cookies
        words = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        is_known = self.keys.knows(_cookie_of(headers, cookie))
        has_token = scope["type"] == "http" and TOKEN in dict(words)
        if is_known and not has_token:
            return None
        if has_token and (is_known or self.keys.admits(dict(words)[TOKEN])):
            # Into a cookie and out of the address: what is copied or kept from there is no key.
            rest = urlencode([(name, value) for name, value in words if name != TOKEN])
            path = "/" + quote(scope["path"]).lstrip("/")
            answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
            answer.set_cookie(cookie, self.keys.cookie, httponly=True, samesite="lax")
            return answer
        return PlainTextResponse(NO_TOKEN, 403)

    def _is_known(self, headers: Headers) -> bool:
        """Tell whether a request names this server, and comes from a page of it or from none."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _host_name(hosts[0]) not in self.names:
            return False
        origins = headers.getlist("origin")
        return not origins or [urlsplit(one).netloc.lower() for one in origins] == [
            hosts[0].lower()
        ]


def _host_name(host: str) -> str:
    """Take the name out of ``name:port``; empty where it is something else."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return ""
    return (parts.hostname or "").rstrip(".") if parts.netloc == host and "@" not in host else ""


def _cookie_of(headers: Headers, name: str) -> str:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return cookie.value if cookie is not None else ""


def _with_policy(send: Send, host: str) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = CONTENT_POLICY.format(host=host)
            headers["Referrer-Policy"] = "no-referrer"
        await send(message)

    return sent


def _same(given: str, secret: str) -> bool:
    """Compare in a time that does not tell how much was right."""
    return secrets.compare_digest(given.encode(), secret.encode())

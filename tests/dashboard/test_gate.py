"""Who is let in: names of hosts, pages elsewhere, the token and the cookie."""

import asyncio
from typing import Any

import pytest

from fsh_dashboard.gate import LOCAL_NAMES, Gate, Keys

Headers = list[tuple[str, str]]
HERE: Headers = [("host", "localhost:8501")]


async def behind(scope: Any, receive: Any, send: Any) -> None:
    """What the gate guards: says yes to everything."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def ask(
    keys: Keys | None, headers: Headers, address: str = "/", kind: str = "http"
) -> tuple[int | str, dict[str, str], bytes]:
    """Ask the gate; gives the status or the kind of message, the headers, the body."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    path, _, query = address.partition("?")
    scope = {
        "type": kind,
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "server": ("localhost", 8501),
    }
    asyncio.run(Gate(behind, LOCAL_NAMES, keys)(scope, receive, send))  # type: ignore[arg-type]
    if kind == "websocket":
        return sent[0]["type"], {}, b""
    pairs = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], pairs, sent[1].get("body", b"")


def with_cookie(keys: Keys, host: str = "localhost:8501") -> Headers:
    return [("host", host), ("cookie", f"other=1; fsh-8501={keys.cookie}")]


@pytest.mark.parametrize(
    "host", ["localhost:8501", "LOCALHOST", "127.0.0.1:8501", "[::1]:8501", "localhost.:1"]
)
def test_the_names_of_this_machine_are_known(host: str) -> None:
    assert ask(None, [("host", host)])[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8501",
        "localhost.evil.example",
        "localhost:8501@evil.example",
        "evil.example/localhost",
        "localhost:port",
        "localhost evil",
        "",
        "[::1",
        "\xff",
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_another_name_is_refused_whatever_page_it_comes_from(host: str, kind: str) -> None:
    headers = [("host", host), ("origin", f"http://{host}")]
    status, _, body = ask(None, headers, kind=kind)
    assert status in (403, "websocket.close")
    assert b"inside" not in body


def test_a_request_must_name_one_host() -> None:
    assert ask(None, [])[0] == 403
    assert ask(None, [("host", "localhost"), ("host", "evil.example")])[0] == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:9000", "null", "file://", "http://localhost"],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_page_elsewhere_is_refused_even_with_the_cookie(origin: str, kind: str) -> None:
    keys = Keys()
    status, _, _ = ask(keys, [*with_cookie(keys), ("origin", origin)], kind=kind)
    assert status in (403, "websocket.close")


def test_a_page_of_this_server_is_let_through() -> None:
    keys = Keys()
    headers = [*with_cookie(keys), ("origin", "http://localhost:8501")]
    assert ask(keys, headers)[0] == 200
    assert ask(keys, headers, kind="websocket")[0] == "websocket.accept"


@pytest.mark.parametrize(
    "cookie", ["", "fsh-8501=", "fsh-8501=wrong", "fsh-8502={}", "fsh-8501={}x", "fsh-8501=\xe9"]
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_without_its_cookie_nothing_is_answered(cookie: str, kind: str) -> None:
    keys = Keys()
    headers = [*HERE, ("cookie", cookie.format(keys.cookie))]
    for address in ("/", "/media/x.nii.gz", "/_stcore/stream", "/?token=wrong", "/?token="):
        status, _, body = ask(keys, headers, address, kind)
        assert status in (403, "websocket.close")
        assert b"inside" not in body


def test_the_token_becomes_a_cookie_and_leaves_the_address() -> None:
    keys = Keys()
    status, headers, _ = ask(keys, HERE, f"/case?case=sub-1&token={keys.token}&axial=4")
    assert status == 303
    assert headers["location"] == "/case?case=sub-1&axial=4"
    assert keys.token not in headers["set-cookie"]
    assert headers["set-cookie"].startswith(f"fsh-8501={keys.cookie}; HttpOnly; Path=/; SameSite=")
    assert ask(keys, with_cookie(keys), "/case")[0] == 200
    again = ask(keys, with_cookie(keys), f"/case?token={keys.token}")
    assert (again[0], again[1]["location"]) == (303, "/case")  # nor does it stay in the address
    assert ask(keys, HERE, f"/?token={keys.token}")[0] == 303  # another browser


def test_the_token_of_the_first_browser_is_good_once() -> None:
    keys = Keys()
    assert ask(keys, HERE, f"/?token={keys.first}")[0] == 303
    assert ask(keys, HERE, f"/?token={keys.first}")[0] == 403
    assert ask(keys, HERE, f"/?token={keys.cookie}")[0] == 403


@pytest.mark.parametrize("path", ["//evil.example", "///evil.example/x", "/a\r\nset-cookie: x"])
def test_the_way_on_stays_on_this_server(path: str) -> None:
    keys = Keys()
    _, headers, _ = ask(keys, HERE, f"{path}?token={keys.token}")
    assert headers["location"].startswith("/")
    assert not headers["location"].startswith("//")
    assert "\n" not in headers["location"]


def test_two_starts_have_nothing_in_common() -> None:
    first, second = Keys(), Keys()
    assert len({*vars(first).values(), *vars(second).values()} - {False}) == 6
    assert not second.admits(first.token)
    assert not second.knows(first.cookie)


def test_a_page_may_ask_nobody_else_for_anything() -> None:
    policy = ask(None, HERE)[1]["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "*" not in policy

"""``python -m fsh_dashboard.server``: the pages behind their gate, on this machine alone.

``fsh dashboard`` starts it as a program of its own.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from fsh_dashboard.gate import LOCAL_NAMES, TOKEN, Gate, Keys

APP = Path(__file__).with_name("app.py")
LONGEST_STOP_S = 5.0
"""A server that is asked to stop, and has open pages, ends after this at the latest."""


def main(words: Sequence[str] | None = None) -> int:
    """Serve until it is stopped.

    Parameters
    ----------
    words : sequence of str or None
        ``[--port N] [--host NAME]... [--no-token] [--no-browser] [--stop-with-stdin] --
        [FOLDER] [--images FOLDER]...``; those of the process if None.

    Returns
    -------
    int
        0, 2 where the port is taken, or 130 after Ctrl+C.
    """
    parser = argparse.ArgumentParser(prog="fsh dashboard")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--host", action="append", default=[])
    parser.add_argument("--no-token", action="store_true")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--stop-with-stdin", action="store_true")
    parser.add_argument("for_pages", nargs="*")
    given = list(sys.argv[1:] if words is None else words)
    own = given[: given.index("--")] if "--" in given else given
    chosen = parser.parse_args(own)
    if not _is_free(chosen.port):
        print(
            f"fsh: port {chosen.port} is taken by another program; "
            f"choose another: fsh dashboard --port {chosen.port + 1}",
            file=sys.stderr,
        )
        return 2
    if chosen.stop_with_stdin:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    keys = None if chosen.no_token else Keys()
    names = (*LOCAL_NAMES, *chosen.host)
    # The pages read which folder to open from here.
    sys.argv = [sys.argv[0], *given[len(own) + 1 :]]
    app = st.App(
        APP,
        lifespan=_announcing(keys, with_browser=not chosen.no_browser),
        middleware=[Middleware(Gate, names=names, keys=keys)],
    )
    try:
        app.run(
            config={
                "server.address": "localhost",
                "server.port": chosen.port,
                "server.headless": True,  # the address that Streamlit opens has no token
                "server.allowedHosts": list(names),
                "browser.gatherUsageStats": False,
                "logger.hideWelcomeMessage": True,
            }
        )
    except KeyboardInterrupt:
        return 130
    return 0


def _announcing(
    keys: Keys | None, with_browser: bool
) -> Callable[[st.App], AbstractAsyncContextManager[None]]:
    """Print the address when the server is there, and open it in a browser."""

    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        address = f"http://localhost:{config.get_option('server.port')}/"
        token = f"?{TOKEN}={keys.token}" if keys else ""
        print(f"F.sh is at {address}{token}\nCtrl+C stops it.", flush=True)
        if with_browser:
            first = f"?{TOKEN}={keys.first}" if keys else ""
            # The server answers when this has returned.
            asyncio.get_running_loop().call_later(0.5, webbrowser.open, f"{address}{first}")
        yield

    return lifespan


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":  # there it would let two programs share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except OSError:
            return False
    return True


def _stop_with_stdin() -> None:
    """Stop when the program that started this one is gone, however it ended."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LONGEST_STOP_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())

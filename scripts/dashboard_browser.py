"""The dashboard in a real browser, for the pictures and for the tests.

Needs the extra ``screenshots`` and Chromium at /usr/bin/chromium (or $CHROMIUM).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, Request

APP = Path(__file__).resolve().parent.parent / "fsh_dashboard" / "app.py"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 600_000

MAIN = "[data-testid=stMainBlockContainer]"
HEIGHT = f"document.querySelector('{MAIN}').scrollHeight"
_VIEWER = "iframe[title*=volume_viewer]"


@contextmanager
def serving(*words: str) -> Iterator[str]:
    """Run ``fsh dashboard`` on a free port; gives the address that it prints, with its token."""
    command = [sys.executable, "-m", "fsh_core.cli", "dashboard", "--port=0", "--no-browser"]
    server = subprocess.Popen(
        [*command, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=APP.parent.parent,
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.communicate()


def at(printed: str, path: str = "") -> str:
    """Give the address of a page, with the token of the printed one: the first one to be opened."""
    address, _, token = printed.partition("?")
    return f"{address}{path}{'&' if '?' in path else '?'}{token}"


def wait_until_drawn(page: Page) -> None:
    """Wait until the app runs no more and every chart has been drawn."""
    page.wait_for_selector("h1", timeout=PATIENCE_MS)
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=PATIENCE_MS)
    height = -1
    while height != (
        height := page.evaluate(HEIGHT)
    ):  # charts and fragments come after the script has ended
        page.wait_for_timeout(4000)
    viewers = page.locator(_VIEWER).count()
    for place in range(viewers):
        frame = page.frame_locator(_VIEWER).nth(place)
        frame.locator("body[data-ready]:not([data-ready=''])").wait_for(timeout=PATIENCE_MS)
    if viewers:
        page.wait_for_timeout(4000)


def complaints_of(page: Page, printed: str) -> list[str]:
    """Collect a page's errors, and its requests to anything but the server, from now on."""
    complaints: list[str] = []
    address = printed.partition("/?")[0]

    def hear(message: ConsoleMessage) -> None:
        # A page opened by its own address first asks whether the server lies under that address.
        is_probe = "404" in message.text and "/_stcore/" in message.location["url"]
        if message.type == "error" and not is_probe:
            complaints.append(f"{message.text} {message.location['url']}")

    def watch(request: Request) -> None:
        if not request.url.startswith((address, address.replace("http", "ws"), "data:", "blob:")):
            complaints.append(f"asked for {request.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", watch)
    return complaints

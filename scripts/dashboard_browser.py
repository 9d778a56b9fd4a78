"""The dashboard in a real browser, for the pictures and for the tests.

Needs the extra ``screenshots`` and Chromium at /usr/bin/chromium (or $CHROMIUM).
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
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
    """Run the dashboard on a free port; gives its address."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(APP),
        f"--server.port={port}",
        "--server.headless=true",
    ]
    server = subprocess.Popen(
        [*command, "--", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://localhost:{port}"
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:  # on a busy machine it may not even get to its end
            server.kill()
            server.wait()


def wait_until_drawn(page: Page) -> None:
    """Wait until the app runs no more and every chart has been drawn."""
    page.wait_for_selector("h1", timeout=PATIENCE_MS)
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=PATIENCE_MS)
    height = -1
    while height != (
        height := page.evaluate(HEIGHT)
    ):  # charts and fragments come after the script has ended
        page.wait_for_timeout(4000)
    if page.locator(_VIEWER).count():
        page.frame_locator(_VIEWER).locator("body[data-ready]:not([data-ready=''])").wait_for(
            timeout=PATIENCE_MS
        )
        page.wait_for_timeout(4000)


def complaints_of(page: Page, address: str) -> list[str]:
    """Collect a page's errors, and its requests to anything but the server, from now on."""
    complaints: list[str] = []

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

"""Photograph the dashboard's pages, light and dark, from the real program; the side bar is left out.

python scripts/dashboard_screenshots.py FOLDER OUT [PAGE?QUERY ...]

Needs the extra ``dashboard``, playwright, and Chromium at /usr/bin/chromium (or $CHROMIUM).
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

from playwright.sync_api import Page, sync_playwright

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

VIEWER = "iframe[title*=volume_viewer]"
_MAIN = "[data-testid=stMainBlockContainer]"
_HEIGHT = f"document.querySelector('{_MAIN}').scrollHeight"


@contextmanager
def serving(*words: str) -> Iterator[str]:
    """Run the dashboard on a free port; gives its address."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(APP), f"--server.port={port}", "--server.headless=true"]
    server = subprocess.Popen([*command, "--", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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
    page.wait_for_selector("h1", timeout=120_000)
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=240_000)
    height = -1
    while height != (height := page.evaluate(_HEIGHT)):  # charts and fragments come after the script has ended
        page.wait_for_timeout(4000)
    if page.locator(VIEWER).count():
        page.frame_locator(VIEWER).locator("body[data-ready]:not([data-ready=''])").wait_for(timeout=240_000)
        page.wait_for_timeout(4000)


def main(folder: str, out: str, *pages: str) -> None:
    """Photograph pages such as ``training?run=runs/first``; ``home`` is the one that opens first."""
    Path(out).mkdir(parents=True, exist_ok=True)
    with serving(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for scheme in ("light", "dark"):
            context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 1000})
            for wanted in pages or ("home",):
                page = context.new_page()
                problems: list[str] = []
                page.on("console", lambda message, seen=problems: message.type == "error" and seen.append(message.text))
                page.on("pageerror", lambda error, seen=problems: seen.append(str(error)))
                page.on(
                    "request",
                    lambda request, seen=problems: (
                        seen.append(request.url)
                        if "localhost" not in request.url and not request.url.startswith(("data:", "blob:"))
                        else None
                    ),
                )
                page.goto(f"{address}/{wanted.removeprefix('home')}", timeout=120_000)
                wait_until_drawn(page)
                height = page.evaluate(_HEIGHT)
                page.set_viewport_size({"width": 1440, "height": min(4000, max(700, int(height) + 40))})
                page.wait_for_timeout(5000)
                name = page.locator("h1").inner_text().lower()
                path = Path(out) / f"dashboard-{name}-{scheme}.png"
                page.locator(_MAIN).screenshot(path=path, timeout=240_000, animations="disabled")
                print(path, *problems, sep="\n  ")
                page.close()
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

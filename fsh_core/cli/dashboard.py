"""``fsh dashboard``: start the pages as a program of their own, and end it with this one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from fsh_core.errors import InputError

LONGEST_STOP_S = 10.0


def dashboard_command(
    folder: Path | None,
    images: Sequence[Path],
    port: int,
    hosts: Sequence[str] = (),
    token: bool = True,
    browser: bool = True,
    reader: str = "",
) -> int:
    """Serve the dashboard until it is stopped.

    Parameters
    ----------
    folder : Path or None
        What to open; None is the bundled example.
    images : sequence of Path
        Folders of scans outside of it.
    port : int
        On this machine; 0 = any that is free.
    hosts : sequence of str
        More names by which the server may be reached, behind a proxy.
    token : bool
        Whether the page is opened by an address that nobody else knows.
    browser : bool
        Whether to open it in the browser.
    reader : str
        Who reads the pages, blinded; empty = everything is shown.

    Returns
    -------
    int
        The exit code of the server.

    Raises
    ------
    InputError
        If the dashboard is not installed, or a folder is none.
    """
    face = find_spec("fsh_dashboard")
    if face is None or face.origin is None or find_spec("streamlit") is None:
        raise InputError(
            "the dashboard is not installed; install it with: pip install 'fsh-ms[dashboard]'"
        )
    for path in (*([folder] if folder else []), *images):
        if not path.is_dir():
            raise InputError(f"{path}: expected a folder; check the name")
    # The core knows no screen: the dashboard is started as a program, not imported.
    # The current folder is no place for its modules (-P); the package is the one found here.
    command = [sys.executable, "-P", "-m", "fsh_dashboard.server", "--stop-with-stdin"]
    command += [f"--port={port}"]
    command += [f"--host={host}" for host in hosts]
    command += [] if token else ["--no-token"]
    command += [] if browser else ["--no-browser"]
    command += ["--", *([str(folder.resolve())] if folder else [])]
    command += [f"--images={path.resolve()}" for path in images]
    command += [f"--reader={reader}"] if reader else []
    places = [str(Path(face.origin).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    with _ended_by_sigterm():
        # The pipe ends when this process does, even if it is killed: then the server stops itself.
        server = subprocess.Popen(
            command, stdin=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(places)}
        )
        try:
            return server.wait()
        finally:
            _stop(server)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(LONGEST_STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    if server.stdin is not None:
        server.stdin.close()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM run what must be done at the end; by itself it ends Python at once."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)  # as shells say it

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

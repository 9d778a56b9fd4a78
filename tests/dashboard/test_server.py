"""The server as a program: its address, its end, and what it answers to whom."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from fsh_core.cli import main
from fsh_dashboard import server
from fsh_dashboard.gate import Keys
from tests.conftest import REPOSITORY

PATIENCE_S = 60


@contextmanager
def started(*words: str, folder: Path | None = None) -> Iterator["subprocess.Popen[str]"]:
    """Run ``fsh dashboard`` as from a terminal: a shell lets what runs behind it ignore Ctrl+C."""
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "fsh_core.cli",
            "dashboard",
            *words,
            *([str(folder)] * bool(folder)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    signal.signal(signal.SIGINT, ignored)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def address_of(running: "subprocess.Popen[str]") -> tuple[str, str]:
    """Wait for the printed address; gives host with port, and the token or nothing."""
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line.startswith("F.sh is at http://localhost:")
    host, _, token = line.split()[-1].removeprefix("http://").partition("/?token=")
    return host.rstrip("/"), token


def answer(host: str, path: str, **headers: str) -> tuple[int, str]:
    """Ask once the server is up; gives the status and the cookie that it set."""
    for _ in range(PATIENCE_S * 10):
        try:
            asked = http.client.HTTPConnection("localhost", int(host.rpartition(":")[2]), timeout=9)
            asked.request("GET", path, headers=headers)
            got = asked.getresponse()
            got.read()
            asked.close()
        except OSError:
            time.sleep(0.1)
        else:
            return got.status, (got.getheader("set-cookie") or "").partition(";")[0]
    raise AssertionError(f"{host} does not answer")


def wait_for_the_end_of(process: psutil.Process) -> None:
    process.wait(PATIENCE_S)
    assert not process.is_running()


def test_the_printed_address_alone_opens_the_page(tmp_path: Path) -> None:
    with started("--port=0", "--no-browser", folder=tmp_path) as running:
        host, token = address_of(running)
        assert len(token) >= 32
        assert answer(host, "/") == (403, "")
        assert answer(host, "/_stcore/health") == (403, "")
        assert answer(host, f"/?token={token}", Host="evil.example") == (403, "")
        status, cookie = answer(host, f"/?token={token}")
        assert status == 303
        assert answer(host, "/", Cookie=cookie) == (200, "")
        assert answer(host, "/", Cookie=cookie, Host="evil.example")[0] == 403
        # The words of a program are seen by every user of the machine.
        for process in [psutil.Process(running.pid), *psutil.Process(running.pid).children()]:
            assert token not in " ".join(process.cmdline())


def test_without_a_token_hosts_are_still_checked(tmp_path: Path) -> None:
    words = ("--port=0", "--no-browser", "--no-token", "--host=proxy.example")
    with started(*words, folder=tmp_path) as running:
        host, token = address_of(running)
        assert token == ""
        assert answer(host, "/") == (200, "")
        assert answer(host, "/", Host="proxy.example") == (200, "")
        assert answer(host, "/", Host="evil.example", Origin="http://evil.example") == (403, "")


@pytest.mark.skipif(os.name == "nt", reason="there signals end a process at once")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_the_command_ends_its_server(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with started("--port=0", "--no-browser", "--no-token", folder=tmp_path) as running:
        host, _ = address_of(running)
        answer(host, "/")
        [server] = psutil.Process(running.pid).children()
        running.send_signal(number)
        assert running.wait(PATIENCE_S) == code
        wait_for_the_end_of(server)


def test_a_server_whose_command_was_killed_ends_too(tmp_path: Path) -> None:
    with started("--port=0", "--no-browser", "--no-token", folder=tmp_path) as running:
        address_of(running)
        [server] = psutil.Process(running.pid).children()
        running.kill()
        wait_for_the_end_of(server)


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with started(f"--port={port}", "--no-browser", folder=tmp_path) as running:
            out, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 2
    assert said == (
        f"fsh: port {port} is taken by another program; "
        f"choose another: fsh dashboard --port {port + 1}\n"
    )
    assert out == ""


def test_a_module_in_the_current_folder_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "secrets.py").write_text("raise SystemExit('run')")
    words = [sys.executable, "-P", "-m", "fsh_core.cli", "dashboard", "--port=0", "--no-browser"]
    places = os.pathsep.join(sys.path[1:])
    running = subprocess.Popen(
        words,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{places}"},
    )
    try:
        assert address_of(running)[1]
    finally:
        running.kill()
        running.communicate()


def test_the_command_refuses_what_is_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard", "nowhere"]) == 2
    assert "nowhere: expected a folder" in capsys.readouterr().err


def test_a_port_that_is_taken_is_known_before_anything_starts(capsys) -> None:
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert server.main([f"--port={port}", "--no-token", "--", "folder"]) == 2
    assert f"fsh: port {port} is taken by another program" in capsys.readouterr().err


@pytest.mark.parametrize("with_token", [True, False])
def test_the_browser_gets_an_address_of_its_own(monkeypatch, capsys, with_token: bool) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    keys = Keys() if with_token else None

    async def start_and_stop() -> None:
        async with server._announcing(keys, with_browser=True)(None):
            await asyncio.sleep(1)  # it is opened after half a second

    asyncio.run(start_and_stop())
    printed = capsys.readouterr().out
    (address,) = opened
    if keys is None:
        assert "token" not in printed + address
    else:
        assert f"?token={keys.token}\n" in printed
        assert address.endswith(f"?token={keys.first}")

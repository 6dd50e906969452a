"""The server as its own process: what it prints, where it listens, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from storaiteller.server import listen
from tests.fake_ollama import FakeOllama, Gate, Reply, ThreadedFakeOllama, word
from tests.serving import GUARD

pytestmark = pytest.mark.slow  # each test starts a process or two
ROOT = Path(__file__).resolve().parents[1]
GENERATE = (
    '{"type": "generate", "id": "g1", '
    '"settings": {"genre": "Fantasy", "register": "Playful", "max_words": 200}}'
)


@dataclass
class Running:
    """A server that has said where it is."""

    process: subprocess.Popen[str]
    line: str

    @property
    def port(self) -> int:
        return httpx.URL(self.address).port or 80

    @property
    def address(self) -> str:
        found = re.fullmatch(r"StorAIteller is ready\. Open (http://\S+)\n", self.line)
        assert found, self.line
        return found[1]

    def talk(self) -> ClientConnection:
        """A connection to ``/ws``, as a program that took the token from the printed line has it."""
        token = httpx.URL(self.address).params["token"]
        headers = {"authorization": f"Bearer {token}"}
        address = f"ws://127.0.0.1:{self.port}/ws"
        return connect(address, additional_headers=headers, proxy=None, close_timeout=GUARD)

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Send a signal; return the exit code, and what was printed since the first line."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=GUARD)
        return self.process.returncode, out, err


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[Running]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STORAITELLER_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "storaiteller", "serve", "--no-browser", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=clean | environment,
    )
    with process:
        try:
            assert process.stdout is not None
            yield Running(process, process.stdout.readline())
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture(scope="module")
def ollama() -> Iterator[ThreadedFakeOllama]:
    """So that there is a model, and none has to be fetched."""
    with FakeOllama.in_thread() as ollama:
        yield ollama


@pytest.fixture
def server(ollama: ThreadedFakeOllama, tmp_path: Path) -> Iterator[Running]:
    with started("--port", "0", "--data-dir", str(tmp_path), OLLAMA_HOST=ollama.url) as server:
        yield server


def test_it_prints_one_line_whose_address_lets_its_reader_in(server: Running) -> None:
    here = f"http://127.0.0.1:{server.port}/"
    with httpx.Client(trust_env=False, timeout=GUARD) as stranger:
        assert stranger.get(here).status_code == 401
    with httpx.Client(trust_env=False, timeout=GUARD) as writer:
        page = writer.get(server.address)
        assert page.status_code == 200
        assert "<title>StorAIteller" in page.text
        assert writer.get(here).status_code == 200  # by the cookie
    assert len(httpx.URL(server.address).params["token"]) == 43  # 256 bits
    assert server.end(signal.SIGINT) == (0, "", "")


def test_a_token_from_the_environment_is_the_one_that_is_printed(
    ollama: ThreadedFakeOllama, tmp_path: Path
) -> None:
    settings = {"STORAITELLER_TOKEN": "my-favourite-token", "STORAITELLER_DATA_DIR": str(tmp_path)}
    with started("--port", "0", OLLAMA_HOST=ollama.url, **settings) as server:
        assert server.address.endswith("/?token=my-favourite-token")
        with server.talk() as talk:
            talk.send(GENERATE)
            assert '"started"' in talk.recv(GUARD)


def test_with_a_password_no_token_is_printed(ollama: ThreadedFakeOllama, tmp_path: Path) -> None:
    arguments = ("--port", "0", "--data-dir", str(tmp_path))
    with started(*arguments, OLLAMA_HOST=ollama.url, STORAITELLER_PASSWORD="open sesame") as server:
        assert "token" not in server.line
        with httpx.Client(trust_env=False, timeout=GUARD) as writer:
            login = writer.post(f"{server.address}login", data={"password": "open sesame"})
            assert login.status_code == 303
            assert writer.get(server.address).status_code == 200


def test_a_second_one_takes_the_next_free_port_and_says_so(
    server: Running, ollama: ThreadedFakeOllama, tmp_path: Path
) -> None:
    arguments = ("--port", str(server.port), "--data-dir", str(tmp_path))
    with started(*arguments, OLLAMA_HOST=ollama.url) as second:
        assert second.port > server.port
        with httpx.Client(trust_env=False, timeout=GUARD) as writer:
            assert writer.get(server.address).status_code == 200
            assert writer.get(second.address).status_code == 200
        code, _, err = second.end(signal.SIGINT)
    assert (code, err) == (0, f"Port {server.port} is taken; using {second.port}.\n")


def test_where_no_port_is_free_it_says_so(ollama: ThreadedFakeOllama, tmp_path: Path) -> None:
    with ExitStack() as stack:
        with suppress(OSError):  # taken by somebody else, which is as good
            stack.enter_context(socket.create_server(("127.0.0.1", 65_535)))
        arguments = ("--port", "65535", "--data-dir", str(tmp_path))
        with started(*arguments, OLLAMA_HOST=ollama.url) as server:
            _, err = server.process.communicate(timeout=GUARD)
    assert (server.line, server.process.returncode) == ("", 2)
    assert err.startswith("No port from 65535 on is free at 127.0.0.1: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_in_the_middle_of_a_story_ends_it_in_good_order(
    server: Running, ollama: ThreadedFakeOllama, number: signal.Signals
) -> None:
    """The page is told (1012: the server restarts), the model is freed, nothing is complained of."""
    ollama.fake.chat_script = Reply([word("Once upon"), Gate()])
    with server.talk() as talk:
        talk.send(GENERATE)
        assert '"started"' in talk.recv(GUARD)
        assert server.end(number) == (0, "", "")
    assert talk.protocol.close_code == 1012
    ollama.call(ollama.fake.asked("/api/chat")[-1].left.wait)


def test_without_a_model_it_serves_the_page_all_the_same(tmp_path: Path) -> None:
    """Nothing can be fetched: pip has no index."""
    arguments = ("--port", "0", "--data-dir", str(tmp_path))
    with started(*arguments, OLLAMA_HOST="127.0.0.1:9", PIP_NO_INDEX="1") as server:
        with httpx.Client(trust_env=False, timeout=GUARD) as writer:
            assert writer.get(server.address).status_code == 200
            health = writer.get(f"http://127.0.0.1:{server.port}/health").json()
        code, _, err = server.end(signal.SIGINT)
    assert (health["ready"], health["code"]) == (False, "model_missing")
    assert code == 0
    assert "The demo model could not be fetched." in err
    assert "Traceback" not in err


async def test_a_piece_of_a_story_is_sent_at_once() -> None:
    """It once waited 40 ms for the page's machine to acknowledge the piece before."""
    at_once = asyncio.get_running_loop().create_future()

    def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        at_once.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listen("127.0.0.1", 0) as listener:
        async with await asyncio.start_server(accepted, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            assert await at_once
            writer.close()


# --- with the demo model in the process -----------------------------------------------------------


@pytest.fixture
def embedded(demo_model_path: Path, tmp_path: Path) -> Iterator[Running]:
    model = ("--engine", "embedded", "--model", str(demo_model_path), "--threads", "1")
    with started("--port", "0", "--data-dir", str(tmp_path), *model) as server:
        yield server


@pytest.mark.model
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_while_the_demo_model_writes_ends_it_in_good_order(
    embedded: Running, number: signal.Signals
) -> None:
    with embedded.talk() as talk:
        talk.send(GENERATE.replace("200", "5000"))
        while '"chunk"' not in talk.recv(GUARD):
            pass
        assert embedded.end(number) == (0, "", "")


@pytest.mark.model
def test_a_signal_while_the_demo_model_is_being_loaded_ends_it_in_good_order(embedded: Running) -> None:
    assert embedded.end(signal.SIGINT) == (0, "", "")


@pytest.mark.model
def test_the_demo_model_tells_a_story_to_its_end(embedded: Running) -> None:
    with embedded.talk() as talk:
        talk.send(GENERATE.replace("200", "20"))
        heard = [json.loads(talk.recv(GUARD))]
        while heard[-1]["type"] not in ("done", "error"):
            heard.append(json.loads(talk.recv(GUARD)))
    started_, *chunks, done = heard
    story = "".join(chunk["text"] for chunk in chunks)
    assert started_["prompt_tokens"] == done["usage"]["prompt"] > 40
    assert 0 < len(story.split()) == done["words"] <= 20
    assert story.rstrip("\"'”*)").endswith((".", "!", "?"))
    assert embedded.end(signal.SIGTERM) == (0, "", "")

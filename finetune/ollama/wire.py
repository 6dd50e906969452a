"""The way to an Ollama server for those who can wait: one HTTP client, its failures told in our words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from finetune.errors import RegisterError
from storaiteller.engines.ollama_wire import Patience, bad_host, server_address

_FULL = ("no space left on device", "not enough space on the disk", "disk quota exceeded")
_LONGEST_REASON = 300
_LONGEST_LINE = 1_048_576


class OllamaRefusedError(RegisterError):
    """The server said no: with this HTTP status (200 in mid-answer) and for this reason, in its own words."""

    def __init__(self, reason: str, status: int) -> None:
        full = any(words in reason.lower() for words in _FULL)
        super().__init__(
            "The disk that Ollama keeps its models on is full: make room there."
            if full
            else f"Ollama says: {reason.rstrip('.')}."
        )
        self.reason = reason
        self.http_status = status
        self.disk_full = full


class Wire:
    """Connects directly and only to ``host``: no proxy from the environment, no redirect.

    ``client`` is the library's; ``http`` is the client under it, for what the library cannot do.
    Raises ``ConfigError`` for an address that is none, later only ``RegisterError``.
    """

    def __init__(self, host: str, patience: Patience) -> None:
        from ollama import Client

        self.url = server_address(host)
        self.patience = patience
        try:
            self.client = Client(
                self.url,
                timeout=httpx.Timeout(patience.answer, connect=patience.connect),
                limits=httpx.Limits(max_keepalive_connections=0),
                verify=self.url.startswith("https:"),
                trust_env=False,
                follow_redirects=False,
            )
        except httpx.InvalidURL as error:
            raise bad_host(self.url) from error
        self.http: httpx.Client = self.client._client

    def close(self) -> None:
        self.http.close()

    def answers(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The JSON objects the server answers with, one a line; each may take as long as loading a model.

        The library's own way loses what Ollama says after it has begun to answer, and cannot say all that
        ``/api/create`` understands.
        """
        waits = httpx.Timeout(self.patience.first_word, connect=self.patience.connect)
        with self.in_our_words(), self.http.stream("POST", path, json=body, timeout=waits) as response:
            raise_for(response)
            rest = b""
            for data in response.iter_bytes():
                *lines, rest = (rest + data).split(b"\n")
                yield from map(_parsed, filter(bytes.strip, lines))
                if len(rest) > _LONGEST_LINE:
                    raise ValueError("a line without end")
            if rest.strip():
                yield _parsed(rest)

    @contextmanager
    def in_our_words(self, cut_off: str = "") -> Iterator[None]:
        """Raise ``RegisterError`` for whatever the library, httpx or a strange answer raise.

        ``cut_off`` is what to say when the connection breaks.
        """
        from ollama import ResponseError

        try:
            yield
        except ResponseError as error:
            raise OllamaRefusedError(_short(error.error), error.status_code) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, ConnectionError) as error:
            raise RegisterError(f"Ollama does not answer at {self.url}. Start it (ollama serve).") from error
        except httpx.TimeoutException as error:
            raise RegisterError(f"Ollama at {self.url} keeps us waiting too long.") from error
        except httpx.TransportError as error:
            raise RegisterError(cut_off or f"Ollama at {self.url} hung up before it was done.") from error
        except (httpx.HTTPError, ValueError, TypeError, AttributeError, KeyError) as error:
            raise RegisterError(
                f"What answers at {self.url} does not speak like Ollama. Check OLLAMA_HOST and its version."
            ) from error


def raise_for(response: httpx.Response) -> None:
    """Raise what the server says, if it says no."""
    from ollama import ResponseError

    if not response.is_success:
        response.read()
        raise ResponseError(response.text, response.status_code)


def _parsed(line: bytes) -> dict[str, Any]:
    from ollama import ResponseError

    answer = json.loads(line)
    if "error" in answer:
        raise ResponseError(str(answer["error"]), httpx.codes.OK)
    return dict(answer)


def _short(text: object) -> str:
    return " ".join(str(text).split())[:_LONGEST_REASON] or "an error without a word"

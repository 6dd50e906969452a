"""The way to an Ollama server: one ``ollama.AsyncClient``, its failures told in our words.

``ollama`` and ``httpx`` take up to 0.3 s to import, so they are imported where they are used.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any

import anyio

from storaiteller.errors import (
    ConfigError,
    EngineUnavailableError,
    GenerationFailedError,
    ModelMissingError,
)

_LONGEST_LINE = 1_048_576


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for Ollama. ``first_word`` has to cover loading a model."""

    connect: float = 1.0
    answer: float = 30.0
    first_word: float = 300.0
    next_word: float = 60.0


class Wire:
    """Connects directly and only to ``url``: no proxy from the environment, no redirect."""

    def __init__(self, url: str, patience: Patience) -> None:
        import httpx
        from ollama import AsyncClient

        self.url = url
        self.patience = patience
        try:
            self.client = AsyncClient(
                url,
                timeout=httpx.Timeout(None, connect=patience.connect),
                # A kept connection is dead once Ollama restarts, and fails the next request.
                limits=httpx.Limits(max_keepalive_connections=0),
                verify=url.startswith("https:"),
                trust_env=False,
                follow_redirects=False,
            )
        except httpx.InvalidURL as error:
            raise bad_host(url) from error

    async def answers(
        self, path: str, body: dict[str, Any], cut_off: str, *, slow: bool = False
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Stream the JSON objects Ollama answers with, raising only ``EngineError``.

        ``cut_off`` is what to say when Ollama goes away after the first; where they come ``slow``,
        each may take as long as the first. Closing the generator closes the connection.

        The library's own ``chat`` and ``pull`` cannot wait so, cannot say ``truncate``, and split
        lines at U+0085, which may stand in a story.
        """
        waits, begun = self.patience.first_word, False
        async with aclosing(self._lines(path, body)) as lines:
            while True:
                told = self.in_our_words(body["model"], cut_off if begun else "")
                with told, anyio.fail_after(waits):
                    answer = await anext(lines, None)
                if answer is None:
                    break
                waits, begun = waits if slow else self.patience.next_word, True
                yield answer
        if not begun:
            raise EngineUnavailableError(f"Ollama at {self.url} hung up without a word. Try again.")

    async def _lines(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        from ollama import ResponseError

        async with self.client._client.stream("POST", path, json=body) as response:
            if response.status_code != 200:
                await response.aread()
                raise ResponseError(response.text, response.status_code)
            rest = b""
            async for data in response.aiter_bytes():
                *lines, rest = (rest + data).split(b"\n")
                for line in filter(bytes.strip, lines):
                    yield _parsed(line)
                if len(rest) > _LONGEST_LINE:
                    raise ValueError("a line without end")
            if rest.strip():
                yield _parsed(rest)

    @contextmanager
    def in_our_words(self, model: str = "", cut_off: str = "") -> Iterator[None]:
        """Raise ``EngineError`` for whatever the library, httpx or a strange answer raise."""
        import httpx
        from ollama import ResponseError

        try:
            yield
        except ResponseError as error:
            if error.status_code == 404 and model:
                raise ModelMissingError(
                    f"Ollama does not know the model {model}. "
                    f"Get it from the model list, or run: ollama pull {model}"
                ) from error
            raise GenerationFailedError(f"Ollama reports: {_short(error.error)}") from error
        except (httpx.ConnectError, httpx.ConnectTimeout, ConnectionError) as error:
            raise EngineUnavailableError(
                f"Ollama does not answer at {self.url}. Start it (ollama serve), then try again."
            ) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise EngineUnavailableError(
                f"Ollama at {self.url} keeps us waiting too long. It may be busy: try again later."
            ) from error
        except (OSError, RuntimeError, httpx.TransportError) as error:
            raise EngineUnavailableError(
                cut_off or f"Ollama at {self.url} hung up before it answered. Try again."
            ) from error
        except (httpx.HTTPError, ValueError, TypeError, AttributeError, KeyError) as error:
            raise GenerationFailedError(
                f"What answers at {self.url} does not speak like Ollama. "
                "Check the address and the version of Ollama."
            ) from error

    async def aclose(self) -> None:
        """Close every connection; whoever still reads from one gets ``EngineUnavailableError``."""
        await self.client.close()  # type: ignore[no-untyped-call]


def server_address(host: str) -> str:
    """Turn any spelling of ``OLLAMA_HOST`` into the URL to connect to."""
    try:
        from ollama._client import _parse_host  # reads OLLAMA_HOST itself, and may stumble over it

        url = _parse_host(host.strip().strip("\"'"))
    except ValueError as error:
        raise bad_host(host) from error
    if not url.startswith(("http://", "https://")):
        raise bad_host(host)
    # A server may listen on every address; nobody can connect to "every address".
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def bad_host(host: str) -> ConfigError:
    """Say that ``host`` cannot be the address of a server."""
    return ConfigError(
        f"OLLAMA_HOST is {host!r}, which is no address. Write it like 127.0.0.1:11434.",
        field="ollama_host",
    )


def _parsed(line: bytes) -> dict[str, Any]:
    from ollama import ResponseError

    answer = json.loads(line)
    if "error" in answer:
        raise ResponseError(str(answer["error"]))
    if not {"message", "status"} & answer.keys():
        raise ValueError("an answer to another question")
    return dict(answer)


def _short(text: object) -> str:
    return " ".join(str(text).split())[:300] or "an error without a word"

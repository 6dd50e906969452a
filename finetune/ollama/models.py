"""The models of an Ollama server: which there are, and making, copying and deleting them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from finetune.context import Tell
from finetune.errors import RegisterError
from finetune.modelfile import Recipe
from finetune.ollama.wire import Wire, raise_for
from storaiteller.engines.base import GenerationOptions
from storaiteller.engines.ollama_chat import chat_request, estimate_tokens, window_step
from storaiteller.engines.ollama_engine import DEFAULT_WINDOW_LIMIT
from storaiteller.engines.ollama_wire import Patience
from storaiteller.story import Message

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"
_NAME = re.compile(
    rf"(?:[A-Za-z0-9_][A-Za-z0-9_.:-]{{0,349}}/[A-Za-z0-9_][A-Za-z0-9_-]{{0,79}}/|{_PART}/)?{_PART}(?::{_PART})?"
)
_BLOCK = 1024 * 1024
_LAST_WITH_ADAPTERS = (0, 34, 0)


class OllamaModels:
    """One server; a context manager that closes the connection. ``host`` is spelled as in ``OLLAMA_HOST``.

    Raises ``ConfigError`` for an address that is none; every method but ``version`` raises ``RegisterError``.
    """

    def __init__(self, host: str, *, patience: Patience | None = None) -> None:
        self._wire = Wire(host, patience or Patience())
        self.url = self._wire.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._wire.close()

    def version(self) -> str | None:
        """Ask who is there; None when nothing answers at once, or when it is no Ollama."""
        try:
            with self._wire.in_our_words():
                answer = self._wire.http.get("/api/version", timeout=self._wire.patience.connect * 2)
                version = answer.raise_for_status().json()["version"]
                return version if isinstance(version, str) else None
        except RegisterError:
            return None

    def listed(self) -> dict[str, str]:
        """The names of all models, tags included, and what identifies their content."""
        with self._wire.in_our_words():
            models = self._wire.client.list().models
        return {model.model: model.digest or "" for model in models if model.model}

    def show(self, name: str) -> dict[str, Any]:
        """All that the server tells of a model; the library leaves the system text out."""
        with self._wire.in_our_words():
            answer = self._wire.http.post("/api/show", json={"model": name})
            raise_for(answer)
            return dict(answer.json())

    def render(self, name: str, messages: Sequence[Message]) -> str | None:
        """The prompt that the server makes of these messages, up to where the answer begins.

        None if it is too old to tell. Asked with the very request of the app, but for one token: an old
        server does not know the question and answers.
        """
        options = GenerationOptions(max_tokens=1)
        num_ctx = window_step(estimate_tokens(messages) + options.max_tokens, DEFAULT_WINDOW_LIMIT)
        request = chat_request(name, messages, options, num_ctx)
        request |= {"stream": False, "keep_alive": "30s", "_debug_render_only": True}
        answers = list(self._wire.answers("/api/chat", request))
        told = answers[-1].get("_debug_info") if answers else None
        rendered = told.get("rendered_template") if isinstance(told, dict) else None
        return rendered if isinstance(rendered, str) and rendered else None

    def upload(self, path: Path, tell: Tell) -> str:
        """Give the server a file, unless it has it; returns its digest, to create models with."""
        what, size = "Sending what was learned to Ollama", path.stat().st_size
        with path.open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
            with self._wire.in_our_words():
                there = self._wire.http.head(f"/api/blobs/{digest}").is_success
            if not there:
                file.seek(0)
                self._send(f"/api/blobs/{digest}", _blocks(file, size, what, tell), size)
        tell.progress(what, size, size)
        return digest

    def _send(self, path: str, blocks: Iterator[bytes], size: int) -> None:
        broke = "Ollama hung up in the middle of the upload. Often that is a full disk: look there first."
        with self._wire.in_our_words(broke):
            answer = self._wire.http.post(
                path,
                content=blocks,
                headers={"content-length": str(size), "content-type": "application/octet-stream"},
                timeout=self._wire.patience.first_word,  # after the last byte it may check them all
            )
            raise_for(answer)

    def create(self, name: str, recipe: Recipe, *, weights: Mapping[str, Any]) -> None:
        """Make a model of ``weights`` (``from``, ``files`` and ``adapters`` of ``/api/create``).

        Where they name a model with ``from``, it hands down what the recipe leaves empty.
        """
        told = {
            "template": recipe.template,
            "system": recipe.system,
            "license": recipe.license,
            "renderer": recipe.renderer,
            "parser": recipe.parser,
            "requires": recipe.requires,
            "parameters": dict(recipe.parameters),
        }
        body = {"model": name, **weights, **{key: value for key, value in told.items() if value}}
        steps = [
            answer.get("status") for answer in self._wire.answers("/api/create", {**body, "stream": True})
        ]
        if "success" not in steps:
            raise RegisterError(f"Ollama broke off while it made {name}.")

    def copy(self, source: str, target: str) -> None:
        """Give a model a second name, which may be taken: then it is taken away from the other."""
        with self._wire.in_our_words():
            self._wire.client.copy(source, target)

    def delete(self, name: str) -> None:
        with self._wire.in_our_words():
            self._wire.client.delete(name)

    def answer(self, name: str, messages: Sequence[Message], tokens: int, num_ctx: int) -> str:
        """The likeliest beginning of an answer, ``tokens`` long at most."""
        request = {
            "model": name,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "options": {"temperature": 0, "seed": 7, "num_predict": tokens, "num_ctx": num_ctx},
            "think": False,
            "stream": True,
            "keep_alive": "30s",
        }
        told, done = [], False
        for answer in self._wire.answers("/api/chat", request):
            done = bool(answer.get("done"))
            message = answer.get("message")
            told.append(str(message.get("content", "")) if isinstance(message, dict) else "")
        if not done:
            raise RegisterError(f"Ollama broke off while {name} was answering.")
        return "".join(told)


def takes_adapters(version: str) -> bool:
    """Whether a server of this version still makes models with adapters; an unknown one does not."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    number = tuple(map(int, found.groups())) if found else (0, 0, 0)
    return (0, 0, 0) < number <= _LAST_WITH_ADAPTERS


def full_name(name: str) -> str:
    """As a server lists it: ``llama3.2:latest`` for ``llama3.2``. ``RegisterError`` if it can be no name."""
    if not _NAME.fullmatch(name):
        raise RegisterError(f"{name!r} is not the name of an Ollama model.")
    return tagged(name)


def tagged(name: str) -> str:
    """The name with the tag that a server gives it where it has none."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _blocks(file: IO[bytes], size: int, what: str, tell: Tell) -> Iterator[bytes]:
    done = 0
    while block := file.read(_BLOCK):
        tell.progress(what, done, size)
        done += len(block)
        yield block

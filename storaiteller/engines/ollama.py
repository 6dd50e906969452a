"""The writer's own Ollama server, on this machine or on another: what it has, and fetching more."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from storaiteller.engines.base import PullProgress
from storaiteller.engines.ollama_chat import count
from storaiteller.engines.ollama_wire import Patience, Wire, server_address
from storaiteller.errors import EngineError, EngineUnavailableError, GenerationFailedError, ModelMissingError

if TYPE_CHECKING:
    from ollama import ShowResponse

_UNKNOWN_WINDOW = 4_096


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model Ollama has, under the name a writer types: ``llama3.2`` for ``llama3.2:latest``."""

    name: str
    size_bytes: int


class OllamaServer:
    """One Ollama server. ``host`` is spelled as in ``OLLAMA_HOST``; empty means the usual place.

    Every method but ``version`` raises ``EngineError`` and nothing else.
    """

    def __init__(self, host: str = "", *, patience: Patience | None = None) -> None:
        self.url = server_address(host)
        self._patience = patience or Patience()
        self._wire = self.wire()

    async def version(self) -> str | None:
        """Ask who is there; ``None`` when nothing answers at once, or when it is no Ollama."""
        patience = self._patience.connect * 2
        with suppress(EngineError), self._wire.in_our_words(), anyio.fail_after(patience):
            answer = await self._wire.client._client.get("/api/version")
            version = answer.raise_for_status().json()["version"]
            return version if version and isinstance(version, str) else None
        return None

    async def installed(self) -> list[InstalledModel]:
        """List the models it has, but for cloud models: those would send the story away."""
        with self._wire.in_our_words(), anyio.fail_after(self._patience.answer):
            found = (await self._wire.client.list()).models
        return [
            InstalledModel(model.model.removesuffix(":latest"), int(model.size or 0))
            for model in found
            if model.model and not model.model.endswith((":cloud", "-cloud"))
        ]

    async def window(self, name: str) -> int:
        """Tokens the model was made for, prompt and answer together."""
        for key, value in ((await self._show(name)).modelinfo or {}).items():
            if key.endswith(".context_length") and isinstance(value, int) and value > 0:
                return value
        return _UNKNOWN_WINDOW

    async def modelfile(self, name: str) -> str:
        """The model's Modelfile; its ``FROM`` line is where the server sees the weights."""
        return (await self._show(name)).modelfile or ""

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Fetch a model; closing the generator stops it, and the next pull goes on from there."""
        cut_off = f"Ollama went away before {name} was complete. Get it again: what came is kept."
        # Slow: between the last byte and "success" a large file is checked without a word.
        answers = self._wire.answers("/api/pull", {"model": name}, cut_off, slow=True)
        done: dict[str, int] = {}
        size: dict[str, int] = {}
        try:
            async with aclosing(answers):
                async for answer in answers:
                    if layer := str(answer.get("digest") or ""):
                        done[layer], size[layer] = (
                            count(answer, "completed"),
                            count(answer, "total"),
                        )
                    status = str(answer.get("status", ""))
                    yield PullProgress(status, sum(done.values()), sum(size.values()))
                    if status == "success":
                        return
        except GenerationFailedError as error:
            if "file does not exist" not in error.message:
                raise
            missing = f"Ollama's library has no model called {name}. Check the name."
            raise ModelMissingError(missing) from error
        raise EngineUnavailableError(cut_off)

    def wire(self) -> Wire:
        """A way to it of the caller's own, to be closed by the caller."""
        return Wire(self.url, self._patience)

    async def aclose(self) -> None:
        """Give back the connections, but for those of whoever asked for a ``wire``."""
        await self._wire.aclose()

    async def _show(self, name: str) -> ShowResponse:
        with self._wire.in_our_words(name), anyio.fail_after(self._patience.answer):
            return await self._wire.client.show(name)

"""Giving a version to the writer's Ollama server, as ``storaiteller:v3``, if there is one that wants it.

A server before 0.34.1 gets the adapter, beside the base that it has; any other one, and one that will
not have the adapter, gets both merged into one file. Whatever Ollama does, the version stands: the app
itself can write with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.base import Base
from finetune.context import Context
from finetune.errors import RegisterError
from finetune.modelfile import Recipe, recipe_of, render
from finetune.ollama.marks import Marks
from finetune.ollama.models import OllamaModels, full_name, takes_adapters
from finetune.ollama.wire import OllamaRefusedError
from finetune.runs import Run
from storaiteller.config import EngineChoice
from storaiteller.errors import StoraitellerError
from storaiteller.own_model import OWN_NAME
from storaiteller.registry import Version
from storaiteller.story import Message

DEFAULT_WINDOW = 8_192
"""Tokens, as in the embedded engine: 5,000 words and what is asked."""

_TRIED_WORDS = 48
_BY_HAND = (
    "The file below is there only while Ollama takes it in. modelfiles/README.md says how to make it by hand."
)


@dataclass(frozen=True, slots=True)
class Published:
    """``name`` on the server, or None and the ``note`` says why; ``modelfile`` may be empty."""

    name: str | None
    note: str
    merged: bool = False
    modelfile: str = ""


class _NotServedError(RegisterError):
    """Ollama said that it made the model, and yet it does not serve it as it should."""


def publish(
    context: Context, run: Run, base: Base, version: Version, prompts: Sequence[Sequence[Message]]
) -> Published:
    """Make the version known to Ollama and see that it serves it. Raises nothing that Ollama may cause.

    ``prompts`` are what it is tried with: at least one of them it has to answer otherwise than the base.
    """
    work = _Publishing(context, run, base, version, prompts)
    try:
        return work.done()
    except (StoraitellerError, OSError) as error:
        told = error.message if isinstance(error, StoraitellerError) else f"{error.strerror or error}."
        note = f"{told} {version.name} works in StorAIteller all the same. {work.again}"
        return Published(None, note, modelfile=work.modelfile)


class _Publishing:
    """One attempt. ``modelfile`` is what would do the same by hand, as far as is known by then."""

    def __init__(
        self,
        context: Context,
        run: Run,
        base: Base,
        version: Version,
        prompts: Sequence[Sequence[Message]],
    ) -> None:
        self._context = context
        self._base = base
        self._version = version
        self._prompts = prompts
        self._adapter = context.registry.adapter(version.name).resolve()
        self._merged = (run.stage("register").folder / "merged.gguf").resolve()
        self._name = f"{OWN_NAME}:{version.name}"
        self._run = run
        self.again = f"To give it to Ollama later: storaiteller-finetune register --run {run.id}"
        self.modelfile = ""
        self._write_down(Recipe().for_stories(context.config.context or DEFAULT_WINDOW), str(self._merged))

    def done(self) -> Published:
        config, ours = self._context.config, self._version.name
        if self._base.ollama is None and config.engine is EngineChoice.EMBEDDED:
            return self._without(f"StorAIteller runs its models itself here, so Ollama was not given {ours}.")
        with OllamaModels(config.ollama_host) as server:
            number = server.version()
            if number is None:
                return self._without(
                    f"No Ollama server answered at {server.url}, so {ours} is known to StorAIteller only. "
                    f"{self.again}"
                )
            return self._publish(server, number)

    def _without(self, note: str) -> Published:
        return Published(None, note, modelfile=self.modelfile)

    def _publish(self, server: OllamaModels, number: str) -> Published:
        listed = server.listed()
        marks = Marks(self._context.config.data_dir, server.url)
        if self._name in listed and self._name not in marks.names:
            raise RegisterError(
                f"Ollama already has a model {self._name} that was not made from this data folder, so it is "
                f"left alone. Give it another name (ollama cp, then ollama rm {self._name})."
            )
        recipe, num_ctx = self._recipe(server, listed)
        marks.claim(self._name)
        if self._base.ollama and takes_adapters(number):
            try:
                return self._beside_the_base(server, recipe, num_ctx)
            except (OllamaRefusedError, _NotServedError) as error:
                if isinstance(error, OllamaRefusedError) and error.disk_full:
                    raise
                self._context.tell.say(f"{error.message} So both are merged into one file for it.")
        return self._in_one_file(server, recipe, num_ctx)

    def _recipe(self, server: OllamaModels, listed: dict[str, str]) -> tuple[Recipe, int]:
        """How the base is made on the server, and the window to state."""
        wanted = self._context.config.context or DEFAULT_WINDOW
        if self._base.ollama is None or full_name(self._base.ollama) not in listed:
            return Recipe().for_stories(wanted), wanted
        shown = server.show(self._base.ollama)
        recipe = recipe_of(shown)
        own = recipe.parameters.get("num_ctx")
        if self._context.config.context is None and isinstance(own, int) and own > 0:
            wanted = own
        num_ctx = min(wanted, _window(shown) or wanted)
        return recipe.for_stories(num_ctx), num_ctx

    def _beside_the_base(self, server: OllamaModels, recipe: Recipe, num_ctx: int) -> Published:
        base = self._base.ollama or ""
        handed_down = Recipe(parameters=recipe.parameters)
        self._write_down(handed_down, base, str(self._adapter))
        digest = server.upload(self._adapter, self._context.tell)
        server.create(
            self._name, handed_down, weights={"from": base, "adapters": {self._adapter.name: digest}}
        )
        self._verify(server, num_ctx)
        return self._served(merged=False)

    def _in_one_file(self, server: OllamaModels, recipe: Recipe, num_ctx: int) -> Published:
        from finetune.gguf_merge import merge

        self._write_down(recipe, str(self._merged))
        try:
            merge(self._base.gguf, self._adapter, self._merged, tell=self._context.tell)
            digest = server.upload(self._merged, self._context.tell)
        finally:
            self._merged.unlink(missing_ok=True)
        server.create(self._name, recipe, weights={"files": {f"{OWN_NAME}.gguf": digest}})
        self._verify(server, num_ctx)
        self._point_at_blob(server, recipe)
        return self._served(merged=True)

    def _served(self, *, merged: bool) -> Published:
        return Published(self._name, f"Ollama serves it as {self._name}.", merged, self.modelfile)

    def _point_at_blob(self, server: OllamaModels, recipe: Recipe) -> None:
        """Where the server keeps the merged file on this very machine, the Modelfile works as it is."""
        with suppress(RegisterError):
            lines = str(server.show(self._name).get("modelfile", "")).splitlines()
            places = [line.removeprefix("FROM ").strip() for line in lines if line.startswith("FROM ")]
            if places and Path(places[0]).is_file():
                self._write_down(recipe, places[0], notes=())

    def _write_down(
        self, recipe: Recipe, weights: str, adapter: str = "", notes: Sequence[str] = (_BY_HAND,)
    ) -> None:
        title = f"{self._name}: {self._base.name}, and what it learned in run {self._run.id}"
        try:
            self.modelfile = render(
                recipe,
                name=self._name,
                title=title,
                weights=weights,
                adapter=adapter,
                notes=() if adapter else notes,
            )
        except RegisterError as error:
            self.modelfile = ""
            self._context.tell.say(error.message)

    def _verify(self, server: OllamaModels, num_ctx: int) -> None:
        try:
            self._listed_and_different(server, num_ctx)
        except RegisterError:
            with suppress(RegisterError):
                server.delete(self._name)
            raise

    def _listed_and_different(self, server: OllamaModels, num_ctx: int) -> None:
        listed = server.listed()
        if self._name not in listed:
            raise _NotServedError(
                f"Ollama said that it had made {self._name}, but it is not in its list of models."
            )
        told = [server.answer(self._name, prompt, _TRIED_WORDS, num_ctx) for prompt in self._prompts]
        if not any(text.strip() for text in told):
            raise _NotServedError(f"Ollama made {self._name}, but it answers with nothing.")
        base = self._base.ollama
        if base is None or full_name(base) not in listed:
            return
        for prompt, text in zip(self._prompts, told, strict=True):
            if server.answer(base, prompt, _TRIED_WORDS, num_ctx) != text:
                return
        raise _NotServedError(f"Ollama made {self._name}, but it writes exactly as {base} does.")


def _window(shown: dict[str, Any]) -> int:
    """Tokens the model was made for; 0 if the server does not say."""
    for key, value in (shown.get("model_info") or {}).items():
        if key.endswith(".context_length") and isinstance(value, int) and value > 0:
            return value
    return 0

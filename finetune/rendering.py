"""How the server that writes asks its model. What is learned from is asked for in the same way.

Ollama has templates of its own, and many files of its library have none at all. So where Ollama serves the
model, Ollama renders the prompts; their tokens are llama.cpp's, as in Ollama.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from finetune.base import Base
from finetune.context import Context
from finetune.errors import UnusableBaseError
from finetune.ollama.models import OllamaModels
from storaiteller.engines.llama_probe import LlamaProbe, Render
from storaiteller.story import Message

_WINDOW = 512  # the probe only renders and tokenizes, which needs none


@contextmanager
def reader(context: Context, base: Base) -> Iterator[LlamaProbe]:
    """``base`` for questions, as its server asks it. An Ollama that is too old to render leaves that to the
    template in the model's file, which is said.

    Raises ``RegisterError`` when Ollama does not answer, and ``UnusableBaseError`` when neither it nor the
    file can tell.
    """
    if base.ollama is None:
        with LlamaProbe(base.gguf, window=_WINDOW) as probe:
            yield probe
        return
    with OllamaModels(context.config.ollama_host) as server:
        render = _by_ollama(context, server, base.ollama, base.gguf)
        with LlamaProbe(base.gguf, window=_WINDOW, render=render) as probe:
            yield probe


def _by_ollama(context: Context, server: OllamaModels, name: str, gguf: Path) -> Render | None:
    """Ollama's own way to render, or None where the file's has to do."""

    def render(messages: Sequence[Message]) -> str:
        rendered = server.render(name, messages)
        if rendered is None:
            raise UnusableBaseError(f"Ollama no longer tells how it asks {name}. Run it again.")
        return rendered

    if server.render(name, [Message("user", "Hello")]) is not None:
        return render
    if not _has_template(gguf):
        raise UnusableBaseError(
            f"This Ollama is too old to tell how it asks {name}, and the model's file does not say so "
            "either. Update Ollama, then run it again."
        )
    context.tell.say(
        f"This Ollama is too old to tell how it asks {name}, so the template in the model's file is used."
    )
    return None


def _has_template(path: Path) -> bool:
    from finetune.tensors import gguf_file  # needs the training libraries

    return bool(gguf_file.read(path).text("tokenizer.chat_template"))

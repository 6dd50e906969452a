"""How an Ollama server asks its models: by its own template, which need not be the one in the model's file.

Many files of its library have none at all. So where Ollama serves the model, Ollama is asked to render the
prompts that are learned from; their tokens are llama.cpp's, as in Ollama.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from finetune.base import Base
from finetune.context import Context
from finetune.errors import UnusableBaseError
from finetune.ollama.models import OllamaModels
from storaiteller.engines.llama_probe import LlamaProbe
from storaiteller.story import Message

_WINDOW = 512  # it only tokenizes, which needs none


@contextmanager
def reader(context: Context, base: Base) -> Iterator[LlamaProbe]:
    """``base``, which Ollama serves, for questions. A server that is too old to render leaves that to the
    template in the model's file, which is said.

    Raises ``RegisterError`` when the server does not answer, and ``UnusableBaseError`` when neither it nor
    the file can tell.
    """
    name = base.ollama
    assert name is not None, "only what Ollama serves is asked by it"  # noqa: S101
    with OllamaModels(context.config.ollama_host) as server:

        def render(messages: Sequence[Message]) -> str:
            rendered = server.render(name, messages)
            if rendered is None:
                raise UnusableBaseError(f"Ollama no longer tells how it asks {name}. Run it again.")
            return rendered

        if server.render(name, [Message("user", "Hello")]) is not None:
            with LlamaProbe(base.gguf, window=_WINDOW, render=render) as probe:
                yield probe
            return
        if not _has_template(base.gguf):
            raise UnusableBaseError(
                f"This Ollama is too old to tell how it asks {name}, and the model's file does not say so "
                "either. Update Ollama, then run it again."
            )
        context.tell.say(
            f"This Ollama is too old to tell how it asks {name}, so the template in the model's file is used."
        )
        with LlamaProbe(base.gguf, window=_WINDOW) as probe:
            yield probe


def _has_template(path: Path) -> bool:
    from finetune.tensors import gguf_file  # needs the training libraries

    return bool(gguf_file.read(path).text("tokenizer.chat_template"))

"""How surprised a model is by texts, and which token it would write next at each place of them.

The base and its adapters share one copy of the weights. Plain Transformers and PEFT, without Unsloth: what
is measured is the adapter as it was written down.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from finetune.errors import AdapterMismatchError, UnusableBaseError
from finetune.exam.bootstrap import Score
from finetune.training.libraries import quiet

BASE = "base"
"""The model without an adapter."""

_CHUNK = 512
"""Tokens read at once. It bounds the memory for logits: 0.6 GB with a vocabulary of 300,000."""

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Text:
    """Tokens to be judged (``story``, an end-of-turn token included), after ``prompt``, which is not."""

    prompt: tuple[int, ...]
    story: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.prompt:
            raise ValueError("the first token needs one before it")


@dataclass(frozen=True, slots=True)
class Choice:
    """The likeliest token at a place, the second, and by how many nats the first is likelier."""

    first: int
    second: int
    margin: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model made of a text; a choice for each token of the story."""

    score: Score
    choices: tuple[Choice, ...]


class Reader:
    """The model in a Hugging Face folder, and PEFT adapters for it by name. Make it with ``reader``."""

    def __init__(self, model: Any, names: frozenset[str] = frozenset()) -> None:
        self._model = model
        self._names = names

    def read(
        self, who: str, texts: Sequence[Text], report: Callable[[int], None] = lambda done: None
    ) -> list[Reading]:
        """What ``who`` (``BASE`` or an adapter's name) makes of each text; one at a time, without padding.

        ``report`` is told how many texts have been read.
        """
        import torch

        readings = []
        with torch.inference_mode(), self._speaking(who):
            for done, text in enumerate(texts, 1):
                readings.append(self._read(text))
                report(done)
        return readings

    @contextmanager
    def _speaking(self, who: str) -> Iterator[None]:
        if who != BASE:
            if who not in self._names:
                raise KeyError(who)
            self._model.set_adapter(who)
            yield
        elif self._names:
            with self._model.disable_adapter():
                yield
        else:
            yield

    def _read(self, text: Text) -> Reading:
        """In chunks, each going on from the keys and values of those before it."""
        import torch

        tokens = torch.tensor([*text.prompt, *text.story], device=self._model.device)
        first = len(text.prompt) - 1  # the place that foretells the first token of the story
        nll, choices, cache = 0.0, [], None
        for begin in range(0, len(tokens) - 1, _CHUNK):
            chunk = tokens[begin : min(begin + _CHUNK, len(tokens) - 1)]
            skipped = min(max(first - begin, 0), len(chunk))
            kept = torch.arange(skipped, len(chunk), device=tokens.device)
            told = self._model(
                input_ids=chunk[None], past_key_values=cache, use_cache=True, logits_to_keep=kept
            )
            cache = told.past_key_values
            if len(kept):
                targets = tokens[begin + 1 + kept]
                sums, chosen = _judge(told.logits[0].float(), targets)
                nll += sums
                choices += chosen
        return Reading(Score(nll, len(text.story)), tuple(choices))


def _judge(logits: Any, targets: Any) -> tuple[float, list[Choice]]:
    best = logits.topk(2, dim=-1)
    told = logits.gather(1, targets[:, None])[:, 0]
    nll = (logits.logsumexp(-1) - told).double().sum().item()
    margins = (best.values[:, 0] - best.values[:, 1]).tolist()
    pairs = zip(best.indices.tolist(), margins, strict=True)
    return nll, [Choice(one, two, margin) for (one, two), margin in pairs]


def read_all(
    weights: Path,
    adapters: Mapping[str, Path],
    texts: Sequence[Text],
    precision: Precision | None = None,
    *,
    report: Callable[[int], None],
) -> dict[str, list[Reading]]:
    """What the base and every adapter makes of the texts; made for ``run_apart``.

    ``report`` is told how many readings there are, of ``(1 + len(adapters)) * len(texts)``.
    """
    readings: dict[str, list[Reading]] = {}
    with reader(weights, adapters, precision) as found:
        for number, who in enumerate((BASE, *adapters)):
            before = number * len(texts)
            readings[who] = found.read(who, texts, _counting_on(before, report))
    return readings


def _counting_on(before: int, report: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: report(before + done)


@contextmanager
def reader(
    weights: Path, adapters: Mapping[str, Path], precision: Precision | None = None
) -> Iterator[Reader]:
    """Load the weights once, with PEFT folders by name; gives the memory back at the end.

    ``precision`` None takes float32 where it fits: bfloat16 rounds logits so coarsely that first and second
    tie at one place in forty, and on many CPUs it is slower besides.

    Raises ``UnusableBaseError`` when the weights cannot be read, and ``AdapterMismatchError``.
    """
    with quiet():
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = getattr(torch, precision or _precision(weights, device))
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(weights, dtype=dtype, local_files_only=True)
        except (OSError, ValueError) as error:
            raise UnusableBaseError(f"The weights in {weights} could not be read: {error}") from error
        model = model.to(device)
        for name, folder in adapters.items():
            try:
                if isinstance(model, PeftModel):
                    model.load_adapter(str(folder), adapter_name=name)
                else:
                    model = PeftModel.from_pretrained(model, str(folder), adapter_name=name)
            except (OSError, ValueError, RuntimeError) as error:
                told = str(error).partition("\n")[0]
                raise AdapterMismatchError(
                    f"The adapter in {folder} does not fit its base: {told}"
                ) from error
        model.eval()
    found = Reader(model, frozenset(adapters))
    del model
    try:
        yield found
    finally:
        found._model = None  # whoever keeps the reader does not keep the weights
        gc.collect()


def _precision(weights: Path, device: str) -> Precision:
    import torch

    free = torch.cuda.mem_get_info()[0] if device == "cuda" else psutil.virtual_memory().available
    stored = sum(path.stat().st_size for path in weights.glob("*.safetensors"))  # bfloat16, mostly
    return "float32" if free > 2.5 * stored else "bfloat16"

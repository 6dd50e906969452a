"""One sitting of the exam: base, active version and candidate before the same stories and prompts.

Two halves. The trainer's weights are asked how surprised they are (perplexity: held-out stories, and
general prose for what was forgotten). The serving engine writes stories, which are measured, and is asked
whether it would choose the words that the trainer would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from finetune import weights
from finetune.base import Base
from finetune.context import Context
from finetune.exam import parity
from finetune.exam.bootstrap import Interval, Score, mean_difference, perplexity, perplexity_ratio
from finetune.exam.figures import asked_for, of_texts
from finetune.exam.measures import distinct
from finetune.exam.order import in_another_order
from finetune.exam.perplexity import BASE, Reading, Text, read_all
from finetune.exam.samples import Prompt, Written, choose, whole_stories, write
from finetune.stories.examples import Example
from finetune.training.apart import run_apart
from storaiteller.engines.llama_probe import LlamaProbe
from storaiteller.version import finite

CANDIDATE, ACTIVE = "candidate", "active"

PROSE = Path(__file__).with_name("prose.txt")
"""General prose of ours, in pieces; no story, and nothing that a writer is likely to have liked."""

_PARITY_STORIES = 5


@dataclass(frozen=True, slots=True)
class Contender:
    """One model of the exam: ``role`` in the metrics, its adapter for the trainer and for the server."""

    role: str
    peft: Path
    gguf: Path


@dataclass(frozen=True)
class Exam:
    """``train``: what the candidate learned from, and may not copy. ``held_out``: what nobody has read."""

    context: Context
    base: Base
    contenders: Sequence[Contender]
    train: Sequence[Example]
    held_out: Sequence[Example]

    def hold(self, against: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The metrics and the samples. ``against`` is the name of the model to beat."""
        prompts = self._prompts()
        prose, mixed = self._texts()
        exam = [_text(example) for example in self.held_out]
        readings = self._read([*exam, *prose, *mixed])
        alike = self._parity(exam, readings[CANDIDATE])
        written = self._write(prompts)
        rival = BASE if against == BASE else ACTIVE
        scores = {role: self._by_story(readings[role]) for role in readings}
        seed = self.context.learn.seed
        learned = list(whole_stories(self.train).values())
        kept = {role: asked_for(prompts, texts) for role, texts in written.items()}
        metrics = {
            "models": {ACTIVE: None}
            | {
                role: _perplexities(scores[role], readings[role][len(exam) : len(exam) + len(prose)], seed)
                | of_texts(prompts, written[role], learned)
                for role in readings
            },
            "against": against,
            "held_out": _interval("ratio", perplexity_ratio(scores[CANDIDATE], scores[rival], seed)),
            "settings": _interval("difference", mean_difference(kept[CANDIDATE], kept[rival], seed)),
            "order": _interval("ratio", _order(readings[CANDIDATE], len(mixed), seed)),
            "parity": asdict(alike),
            "liked": {"distinct_2": distinct(learned[: len(prompts)], 2)},
            "stories": len(scores[BASE]),
            "prompts": len(prompts),
        }
        return finite(metrics), _samples(prompts, written)

    def _prompts(self) -> list[Prompt]:
        longest = max(len(example.story_tokens) for example in (*self.train, *self.held_out))
        return choose(self.held_out, self.context.learn.samples, longest, self.context.learn.seed)

    def _texts(self) -> tuple[list[Text], list[Text]]:
        """The general prose, and the stories in another order, as the engine reads them."""
        with LlamaProbe(self.base.gguf, threads=self.context.threads) as probe:
            pieces = [probe.tokens(piece, prompt=True) for piece in prose_pieces()]
            words = partial(probe.tokens, prompt=False)
            mixed = in_another_order(self.held_out, words, self.context.learn.seed)
        return [Text(tuple(tokens[:1]), tuple(tokens[1:])) for tokens in pieces], mixed

    def _read(self, texts: Sequence[Text]) -> dict[str, list[Reading]]:
        folder = weights.folder(self.context, self.base)
        total = len(texts) * (1 + len(self.contenders))
        adapters = {each.role: each.peft for each in self.contenders}

        def report(done: int) -> None:
            self.context.tell.progress("Reading stories it has not seen", done, total)

        return run_apart(read_all, folder, adapters, texts, report=report, threads=self.context.threads)

    def _parity(self, texts: Sequence[Text], readings: Sequence[Reading]) -> parity.Parity:
        texts = texts[:_PARITY_STORIES]
        window = max(len(text.prompt) + len(text.story) for text in texts) + 8

        def report(done: int, total: int) -> None:
            self.context.tell.progress("Comparing trainer and server", done, total)

        gguf = [each.gguf for each in self.contenders if each.role == CANDIDATE]
        threads = self.context.threads
        with LlamaProbe(self.base.gguf, adapters=gguf, window=window, threads=threads) as probe:
            choices = [reading.choices for reading in readings[: len(texts)]]
            return parity.compare(probe, texts, choices, tuned=[1.0], base=[0.0], report=report)

    def _write(self, prompts: Sequence[Prompt]) -> dict[str, list[Written]]:
        def report(done: int) -> None:
            total = len(prompts) * len(speakers)
            self.context.tell.progress("Writing stories to compare", done, total)

        none = [0.0] * len(self.contenders)
        speakers = {BASE: none}
        for at, contender in enumerate(self.contenders):
            speakers[contender.role] = [*none[:at], 1.0, *none[at + 1 :]]
        adapters = [each.gguf for each in self.contenders]
        threads = self.context.threads
        writing = write(self.base.gguf, adapters, speakers, prompts, threads=threads, report=report)
        return asyncio.run(writing)

    def _by_story(self, readings: Sequence[Reading]) -> list[Score]:
        """Parts of one story together: they are as hard as each other, so they count as one draw."""
        found: dict[str, Score] = {}
        for example, reading in zip(self.held_out, readings, strict=False):
            so_far = found.get(example.story_id, Score(0.0, 0))
            nll, tokens = so_far.nll + reading.score.nll, so_far.tokens + reading.score.tokens
            found[example.story_id] = Score(nll, tokens)
        return list(found.values())


def _order(readings: Sequence[Reading], mixed: int, seed: int) -> Interval:
    """The perplexity of stories over that of the same stories in another order.

    Both over the story's own tokens: a word at another place may be cut into tokens otherwise.
    """
    told = [reading.score for reading in readings[:mixed]]
    other = [
        Score(reading.score.nll, score.tokens)
        for reading, score in zip(readings[len(readings) - mixed :], told, strict=True)
    ]
    return perplexity_ratio(told, other, seed)


def prose_pieces() -> list[str]:
    """The general prose, piece by piece."""
    return [piece.strip() for piece in PROSE.read_text(encoding="utf-8").split("* * *") if piece.strip()]


def _text(example: Example) -> Text:
    return Text(tuple(example.prompt_tokens), tuple(example.story_tokens))


def _perplexities(held_out: Sequence[Score], prose: Sequence[Reading], seed: int) -> dict[str, float | None]:
    told = perplexity(held_out, seed)
    return {
        "held_out_perplexity": told.value,
        "held_out_low": told.low,
        "held_out_high": told.high,
        "general_perplexity": perplexity([reading.score for reading in prose], seed).value,
    }


def _samples(prompts: Sequence[Prompt], written: Mapping[str, Sequence[Written]]) -> list[dict[str, Any]]:
    return [
        {
            "story_id": prompt.story_id,
            "prompt": prompt.question,
            "seed": prompt.seed,
            "liked": prompt.liked,
            BASE: written[BASE][number].text,
            ACTIVE: written[ACTIVE][number].text if ACTIVE in written else None,
            CANDIDATE: written[CANDIDATE][number].text,
        }
        for number, prompt in enumerate(prompts)
    ]


def _interval(name: str, told: Interval) -> dict[str, float]:
    return {name: told.value, "low": told.low, "high": told.high}

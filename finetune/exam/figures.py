"""The figures of what a model wrote: variety, copying, settings kept, endings. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.exam.kept import Kept, kept
from finetune.exam.measures import copied, distinct, repeated_4grams, self_bleu
from finetune.exam.samples import Prompt, Written
from storaiteller.story import count_words


def of_texts(
    prompts: Sequence[Prompt], written: Sequence[Written], stories: Sequence[str]
) -> dict[str, float | None]:
    """One model's texts for these prompts, against the training ``stories``.

    Shares from 0 to 1, but for ``longest_copied_run`` and ``words`` (the mean of a text). What the settings
    ask is None where no prompt asks for it.
    """
    texts = [each.text for each in written]
    copies = copied(texts, stories)
    return {
        "distinct_1": distinct(texts, 1),
        "distinct_2": distinct(texts, 2),
        "distinct_3": distinct(texts, 3),
        "self_bleu": self_bleu(texts),
        "repeated_4grams": repeated_4grams(texts),
        "copied_8grams": copies.share,
        "longest_copied_run": copies.longest,
        "ends_by_itself": _mean([float(each.ended) for each in written]),
        "words": _mean([count_words(text) for text in texts]),
        **_settings(_kept(prompts, written)),
    }


def asked_for(prompts: Sequence[Prompt], written: Sequence[Written]) -> list[float]:
    """How much of its settings each text keeps, for the prompts that have settings, in their order."""
    return [each.all for each in _kept(prompts, written)]


def _kept(prompts: Sequence[Prompt], written: Sequence[Written]) -> list[Kept]:
    return [
        kept(each.text, prompt.settings, ended=each.ended)
        for prompt, each in zip(prompts, written, strict=True)
        if prompt.settings is not None
    ]


def _settings(found: Sequence[Kept]) -> dict[str, float | None]:
    return {
        "names_kept": _mean([each.names for each in found]),
        "keywords_kept": _mean([each.keywords for each in found]),
        "length_kept": _mean([each.length for each in found]),
        "settings_kept": _mean([each.all for each in found]),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None

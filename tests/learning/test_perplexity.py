"""How surprised a model is, against the plainest way to compute it."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finetune.errors import AdapterMismatchError, LearnError, UnusableBaseError
from finetune.exam import perplexity
from finetune.exam.perplexity import BASE, Reader, Text, read_all, reader
from finetune.training.apart import run_apart
from tests.learning.tiny import VOCABULARY, tiny_adapter, tiny_weights


def text(prompt: int, story: int, seed: int = 0) -> Text:
    chance = random.Random(seed)
    tokens = tuple(chance.randrange(VOCABULARY) for _ in range(prompt + story))
    return Text(tokens[:prompt], tokens[prompt:])


TEXTS = [text(9, 20, 1), text(1, 3, 2), text(30, 1, 3), text(5, 60, 4)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def adapters(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("adapters")
    return {
        name: tiny_adapter(weights, folder / name, seed=seed)
        for seed, name in enumerate(("active", "candidate"))
    }


@pytest.fixture(scope="module")
def found(weights: Path, adapters: dict[str, Path]) -> Iterator[Reader]:
    with reader(weights, adapters, "float32") as found:
        yield found


def naive(weights: Path, adapter: Path | None, asked: Text) -> tuple[float, list[int]]:
    """The whole text at once, all logits, one token after the other."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float64).eval()
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter).to(torch.float64).eval()
    tokens = [*asked.prompt, *asked.story]
    with torch.no_grad():
        told = model(torch.tensor([tokens])).logits[0].log_softmax(-1)
    places = range(len(asked.prompt), len(tokens))
    return -sum(float(told[at - 1, tokens[at]]) for at in places), [
        int(told[at - 1].argmax()) for at in places
    ]


@pytest.mark.slow
@pytest.mark.parametrize("who", [BASE, "active", "candidate"])
@pytest.mark.parametrize("asked", TEXTS, ids=["usual", "no prompt", "one token", "long"])
def test_it_is_the_sum_over_the_story_given_the_prompt(
    weights: Path, adapters: dict[str, Path], found: Reader, who: str, asked: Text
) -> None:
    nll, choices = naive(weights, adapters.get(who), asked)
    (reading,) = found.read(who, [asked])
    assert reading.score.nll == pytest.approx(nll, rel=1e-4)
    assert reading.score.tokens == len(asked.story)
    assert [choice.first for choice in reading.choices] == choices


def test_the_models_differ_and_the_base_is_itself_again_after_an_adapter(found: Reader) -> None:
    before, active, candidate, after = (
        found.read(who, TEXTS)[0].score.nll for who in (BASE, "active", "candidate", BASE)
    )
    assert before == after
    assert len({before, active, candidate}) == 3


@pytest.mark.parametrize("chunk", [1, 7, 29, 64])
def test_it_does_not_matter_how_much_is_read_at_once(
    found: Reader, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    whole = found.read("candidate", TEXTS)
    monkeypatch.setattr(perplexity, "_CHUNK", chunk)
    for one, other in zip(whole, found.read("candidate", TEXTS), strict=True):
        assert other.score.nll == pytest.approx(one.score.nll, rel=1e-4)
        assert [choice.first for choice in other.choices] == [choice.first for choice in one.choices]


def test_it_does_not_matter_what_else_is_read(found: Reader) -> None:
    together = found.read("candidate", TEXTS)
    assert together == [found.read("candidate", [each])[0] for each in reversed(TEXTS)][::-1]


def test_a_choice_knows_its_second_and_how_near_it_was(found: Reader) -> None:
    (reading,) = found.read(BASE, TEXTS[:1])
    for choice in reading.choices:
        assert choice.first != choice.second
        assert choice.margin >= 0
    assert len({choice.margin for choice in reading.choices}) > 1


def test_it_tells_how_far_it_is(found: Reader) -> None:
    told: list[int] = []
    found.read(BASE, TEXTS, told.append)
    assert told == [1, 2, 3, 4]


def test_a_text_needs_something_before_its_first_token() -> None:
    with pytest.raises(ValueError, match="one before"):
        Text((), (1, 2))


def test_nobody_speaks_for_an_adapter_that_is_not_there(found: Reader) -> None:
    with pytest.raises(KeyError, match="nobody"):
        found.read("nobody", TEXTS)


def test_weights_that_are_astray_have_no_perplexity_and_are_no_error(weights: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    adapter = tiny_adapter(weights, tmp_path / "astray")
    file = adapter / "adapter_model.safetensors"
    save_file({name: torch.full_like(value, math.nan) for name, value in load_file(file).items()}, file)
    with reader(weights, {"astray": adapter}, "float32") as found:
        (reading,) = found.read("astray", TEXTS[:1])
        assert math.isnan(reading.score.nll)
        assert math.isfinite(found.read(BASE, TEXTS[:1])[0].score.nll)


def test_an_adapter_for_other_weights_is_refused(weights: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    adapter = tiny_adapter(weights, tmp_path / "other")
    file = adapter / "adapter_model.safetensors"
    save_file({name: torch.zeros(5, 5) for name in load_file(file)}, file)
    with pytest.raises(AdapterMismatchError, match="does not fit"), reader(weights, {"other": adapter}):
        pass


def test_weights_that_are_not_there_are_called_so(tmp_path: Path) -> None:
    with pytest.raises(UnusableBaseError, match="could not be read"), reader(tmp_path, {}):
        pass


# --- in a process of its own ----------------------------------------------------------------------


@pytest.mark.slow
def test_apart_it_is_the_same_and_is_heard(weights: Path, adapters: dict[str, Path], found: Reader) -> None:
    told: list[int] = []
    apart = run_apart(read_all, weights, adapters, TEXTS, "float32", report=told.append)
    assert list(apart) == [BASE, "active", "candidate"]
    for who, readings in apart.items():
        expected = found.read(who, TEXTS)
        assert [each.score.nll for each in readings] == pytest.approx([each.score.nll for each in expected])
    assert told == list(range(1, 13))


@pytest.mark.slow
def test_what_goes_wrong_apart_is_raised_here(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(UnusableBaseError, match="could not be read"):
        run_apart(read_all, tmp_path, {}, TEXTS, report=lambda done: None)


def fail(*, report: object) -> None:
    raise ZeroDivisionError("nothing to divide")


def die(*, report: object) -> None:
    import os

    os.kill(os.getpid(), 9)


def echo(value: int, *, report: Any) -> int:
    report(value + 1)
    return value


def test_a_result_and_a_report_come_back() -> None:
    told: list[int] = []
    assert run_apart(echo, 4, report=told.append) == 4
    assert told == [5]


def test_any_other_failure_apart_is_a_sentence() -> None:
    with pytest.raises(LearnError, match="ZeroDivisionError: nothing to divide"):
        run_apart(fail, report=lambda done: None)


def test_a_process_that_is_killed_is_told_as_such() -> None:
    with pytest.raises(LearnError, match="memory"):
        run_apart(die, report=lambda done: None)


def test_stopping_here_ends_it_there() -> None:
    import multiprocessing

    def stop(told: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_apart(echo, 4, report=stop)
    assert not multiprocessing.active_children()

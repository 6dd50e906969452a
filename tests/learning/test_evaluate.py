"""The exam: everything real but the size of the model, and once on the demo model."""

from __future__ import annotations

import json
import math
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from libgguf import GGMLQuantizationType as Kind
from safetensors.numpy import load_file, save_file

from finetune import gguf_lora
from finetune.base import resolve
from finetune.context import Context
from finetune.evaluate import evaluate, rival_of
from finetune.exam import parity, samples, sitting
from finetune.exam.figures import asked_for, of_texts
from finetune.exam.perplexity import BASE, Choice, Text, reader
from finetune.exam.samples import Prompt, Written
from finetune.exam.sitting import prose_pieces
from finetune.runs import Manifest
from finetune.stories.examples import Example, read_examples
from finetune.training.apart import run_apart
from storaiteller.config import Config, EngineChoice
from storaiteller.engines.llama_probe import LlamaProbe
from storaiteller.prompts import story_prompt
from storaiteller.story import Genre, Message, Register, StorySettings
from tests.learning.exam import SHA, Heard, add_version, context_at
from tests.learning.tiny_models import TinyModel, make, peft_adapter

pytestmark = pytest.mark.slow

SETTINGS = {"genre": "War", "register": "Casual", "max_words": 20, "characters": ["w9"], "keywords": ["w11"]}
END = 2
"""The tiny models' end-of-turn token."""


class Trial:
    """A data folder with a tiny model in it, a run that was trained, and a version of it."""

    def __init__(self, folder: Path, model: TinyModel, hf: Path, **learn: Any) -> None:
        config = Config(
            data_dir=folder,
            engine=EngineChoice.EMBEDDED,
            model=str(model.gguf),
            ollama_host="127.0.0.1:9",
            threads=1,
        )
        self.heard = Heard()
        learned = context_at(folder, samples=3, base=hf, **learn).learn
        self.context = Context(config, learned, self.heard)
        self.model = model
        self.base = resolve(self.context)
        self.run = self.context.runs.create()
        with LlamaProbe(model.gguf, window=256, threads=1) as probe:
            train = [example(probe, f"learned-{at}", at) for at in range(3)]
            held_out = [example(probe, f"exam-{at}", 10 + at, SETTINGS) for at in range(2)]
            held_out += two_parts(example(probe, "exam-long", 20))
        self.dataset(train, held_out)

    def dataset(self, train: Sequence[Example], held_out: Sequence[Example]) -> None:
        made = self.run.stage("dataset")
        made.begin("again")
        for name, examples in (("train", train), ("held_out", held_out)):
            lines = [json.dumps({key: getattr(each, key) for key in Example.__slots__}) for each in examples]
            (made.folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        made.finish("again", {"train": "train.jsonl", "held_out": "held_out.jsonl"}, {})

    def version(self, strength: float = 0.3, *, served: float | None = None) -> str:
        """A version whose adapter is so strong; ``served``: another one than the trainer's is served."""
        name = add_version(self.context, sha256=self.base.sha256)
        folder = self.context.registry.folder(name)
        peft_adapter(self.model, folder / "peft", strength=strength)
        source = folder / "peft"
        if served is not None:
            source = peft_adapter(self.model, folder / "another", strength=served)
        gguf_lora.convert(source, self.model.gguf, folder / "adapter.gguf", "f32")
        return name

    def register(self, name: str) -> None:
        made = self.run.stage("register")
        made.begin(name)
        made.finish(name, {}, {"version": name})

    def evaluate(self) -> Manifest:
        return evaluate(self.context, self.run)


def example(probe: LlamaProbe, story_id: str, at: int, settings: dict[str, Any] | None = None) -> Example:
    asked = f"w{at} please" if settings is None else story_prompt(StorySettings(**settings))
    prompt = probe.render([Message("user", asked)])
    story = " ".join(f"w{(at * 7 + number * number) % 60}" for number in range(12))
    tokens = [*probe.tokens(story, prompt=False), END]
    return Example(story_id, 1, 1, asked, prompt, story, settings, probe.tokens(prompt, prompt=True), tokens)


def two_parts(whole: Example) -> list[Example]:
    half = len(whole.story_tokens) // 2
    first = replace(whole, parts=2, story="first ", story_tokens=whole.story_tokens[:half])
    read = [*whole.prompt_tokens, *whole.story_tokens[:half]]
    second = replace(
        whole, part=2, parts=2, story="second", prompt_tokens=read, story_tokens=whole.story_tokens[half:]
    )
    return [second, first]  # whatever the order in the file


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return make("llama", tmp_path_factory.mktemp("tiny"), Kind.F32)


@pytest.fixture(scope="module")
def hf(model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hf")
    model.torch.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _in_this_process() -> Iterator[None]:
    """The trainer's half, where torch is imported already; once below it has a process of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitting, "run_apart", lambda work, *given, report, threads: work(*given, report=report))
        yield


@pytest.fixture
def trial(tmp_path: Path, model: TinyModel, hf: Path) -> Trial:
    return Trial(tmp_path, model, hf)


# --- the stage ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def taken(model: TinyModel, hf: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trial, Manifest]:
    """An exam of a first version, which nothing is changed about."""
    trial = Trial(tmp_path_factory.mktemp("taken"), model, hf)
    trial.register(trial.version())
    return trial, trial.evaluate()


def test_a_candidate_is_tried_against_the_base_with_every_figure(taken: tuple[Trial, Manifest]) -> None:
    trial, made = taken
    told = made.metrics
    assert told["against"] == "base"
    assert (told["stories"], told["prompts"]) == (3, 3)
    assert told["models"]["active"] is None
    assert set(told["models"]["base"]) == set(told["models"]["candidate"])
    assert all(value is not None for value in told["models"]["candidate"].values())
    assert json.loads(trial.run.output("evaluate", "metrics").read_text()) == told


def test_the_perplexities_are_the_trainers_own(taken: tuple[Trial, Manifest], hf: Path) -> None:
    trial, made = taken
    examples = read_examples(trial.run.output("dataset", "held_out"))
    texts = [Text(tuple(each.prompt_tokens), tuple(each.story_tokens)) for each in examples]
    with reader(hf, {"it": trial.context.registry.folder("v1") / "peft"}, "float32") as found:
        before, after = (sum(each.score.nll for each in found.read(who, texts)) for who in (BASE, "it"))
    tokens = sum(len(text.story) for text in texts)
    told, compared = made.metrics["models"], made.metrics["held_out"]
    assert told["base"]["held_out_perplexity"] == pytest.approx(math.exp(before / tokens), rel=1e-4)
    assert compared["ratio"] == pytest.approx(math.exp((after - before) / tokens), rel=1e-4)
    assert compared["low"] <= compared["ratio"] <= compared["high"]


def test_the_server_says_what_was_trained_and_not_what_the_base_says(taken: tuple[Trial, Manifest]) -> None:
    trial, made = taken
    examples = read_examples(trial.run.output("dataset", "held_out"))
    told = made.metrics["parity"]
    assert told["positions"] == sum(len(each.story_tokens) for each in examples)
    assert told["agreement"] > 0.97
    assert told["differs_from_base"] > 0.1


def samples_of(trial: Trial) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(trial.run.output("evaluate", "samples").read_text())
    return found


def test_the_samples_show_every_model_on_the_same_prompt(taken: tuple[Trial, Manifest]) -> None:
    found = samples_of(taken[0])
    assert [sample["story_id"] for sample in found] == ["exam-0", "exam-1", "exam-long"]
    assert "genre is War" in found[0]["prompt"]
    assert found[2]["prompt"] == "w20 please"
    assert found[2]["liked"] == "first second"
    assert len({sample["seed"] for sample in found}) == 3
    assert all(sample["base"] != sample["candidate"] for sample in found)
    assert {sample["active"] for sample in found} == {None}


def test_it_tells_how_far_it_is(taken: tuple[Trial, Manifest]) -> None:
    told = taken[0].heard.told
    steps = list(dict.fromkeys(what for what, _, _ in told))
    assert [step.split()[0] for step in steps] == ["Reading", "Comparing", "Writing"]
    for step in steps:
        done = [done / total for what, done, total in told if what == step]
        assert done == sorted(done)
        assert done[-1] == 1


def test_an_exam_taken_twice_is_taken_once(taken: tuple[Trial, Manifest]) -> None:
    trial, made = taken
    before = len(trial.heard.told)
    assert trial.evaluate() == made
    assert len(trial.heard.told) == before


def test_an_active_version_is_the_one_to_beat_and_the_base_is_the_same_beside_it(
    trial: Trial, taken: tuple[Trial, Manifest]
) -> None:
    active, candidate = trial.version(0.2), trial.version(0.4)
    trial.context.registry.activate(active)
    trial.register(candidate)
    told = trial.evaluate().metrics
    assert told["against"] == active
    perplexities = [told["models"][role]["held_out_perplexity"] for role in ("base", "active", "candidate")]
    assert len(set(perplexities)) == 3
    assert told["held_out"]["ratio"] == pytest.approx(perplexities[2] / perplexities[1], rel=1e-6)
    assert perplexities[0] == pytest.approx(taken[1].metrics["models"]["base"]["held_out_perplexity"])
    for sample, alone in zip(samples_of(trial), samples_of(taken[0]), strict=True):
        assert len({sample[role] for role in ("base", "active", "candidate")}) == 3
        assert sample["base"][:6] == alone["base"][:6]  # later, rounding may tip a word of a random model


def test_an_adapter_that_is_served_otherwise_than_trained_is_seen(trial: Trial) -> None:
    """The mistake that no figure of the training shows: say, rows of q and k in another order."""
    trial.register(trial.version(0.3, served=0.01))
    assert trial.evaluate().metrics["parity"]["agreement"] < 0.9


def test_ctrl_c_leaves_no_half_exam_and_the_next_one_is_whole(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each of its steps; then another version becomes active, which calls for a new exam."""
    first = trial.version(0.2)
    trial.register(trial.version())
    for during in ("Reading", "Comparing", "Writing"):
        with monkeypatch.context() as patch:
            patch.setattr(trial.heard, "progress", interrupting(during))
            with pytest.raises(KeyboardInterrupt):
                trial.evaluate()
        assert trial.run.stage("evaluate").manifest() is None
    assert trial.evaluate().metrics["against"] == "base"
    trial.context.registry.activate(first)
    assert trial.evaluate().metrics["against"] == first


def interrupting(during: str) -> Callable[[str, float, float], None]:
    def progress(what: str, done: float, total: float) -> None:
        if what.startswith(during):
            signal.raise_signal(signal.SIGINT)

    return progress


def test_a_model_gone_astray_has_no_figures_instead_of_wrong_ones(trial: Trial) -> None:
    name = trial.version()
    trial.register(name)
    file = trial.context.registry.folder(name) / "peft" / "adapter_model.safetensors"
    save_file({key: array * np.float32("nan") for key, array in load_file(file).items()}, file)
    told = trial.evaluate().metrics
    assert told["held_out"]["high"] is None
    assert told["models"]["candidate"]["held_out_perplexity"] is None
    assert told["models"]["base"]["held_out_perplexity"] is not None
    json.dumps(told, allow_nan=False)


def test_the_trainer_has_a_process_of_its_own(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitting, "run_apart", run_apart)
    trial.register(trial.version())
    assert trial.evaluate().metrics["parity"]["agreement"] > 0.97


# --- whom to beat ---------------------------------------------------------------------------------


def test_the_version_to_beat_is_the_active_one_if_it_is_whole_and_of_these_weights(tmp_path: Path) -> None:
    context = context_at(tmp_path)
    first, candidate = add_version(context), add_version(context, parent="v1")
    assert rival_of(context.registry, SHA, candidate) is None
    context.registry.activate(first)
    assert rival_of(context.registry, SHA, candidate) == first
    assert rival_of(context.registry, "0" * 64, candidate) is None
    context.registry.activate(candidate)
    assert rival_of(context.registry, SHA, candidate) == first
    shutil.rmtree(context.registry.folder(first) / "peft")
    context.registry.activate(first)
    assert rival_of(context.registry, SHA, candidate) is None


# --- the prompts ----------------------------------------------------------------------------------


def test_few_stories_are_asked_for_in_turns_with_other_seeds(trial: Trial) -> None:
    held_out = read_examples(trial.run.output("dataset", "held_out"))
    found = samples.choose(held_out, 7, longest=30, seed=100)
    assert [prompt.story_id for prompt in found] == ["exam-0", "exam-1", "exam-long"] * 2 + ["exam-0"]
    assert [prompt.seed for prompt in found] == list(range(100, 107))
    assert found[2].liked == "first second"


@pytest.mark.parametrize(
    ("settings", "longest", "room"), [(SETTINGS, 20, 104), (SETTINGS, 200, 144), (None, 200, 464)]
)
def test_a_story_has_twice_the_room_of_the_longest_one_and_no_more_than_the_app_gives(
    settings: dict[str, Any] | None, longest: int, room: int, trial: Trial
) -> None:
    with LlamaProbe(trial.model.gguf, window=256, threads=1) as probe:
        (prompt,) = samples.choose([example(probe, "one", 3, settings)], 1, longest, 0)
    assert prompt.max_tokens == room


def test_settings_that_do_not_hold_any_more_are_none(trial: Trial) -> None:
    with LlamaProbe(trial.model.gguf, window=256, threads=1) as probe:
        odd = replace(example(probe, "one", 3), settings={"genre": "Cookery"})
    (prompt,) = samples.choose([odd], 1, 20, 0)
    assert prompt.settings is None
    assert prompt.question == "w3 please"


# --- figures of texts -----------------------------------------------------------------------------


def asked(settings: StorySettings | None) -> Prompt:
    return Prompt("one", "Write.", "liked", settings, seed=1, tokens=(1, 2, 3), max_tokens=64)


def test_the_figures_of_texts_are_their_means() -> None:
    settings = StorySettings(Genre.WAR, Register.CASUAL, 20, ("Ada",), ("moon",))
    written = [Written("Ada saw the moon. " * 3, ended=True), Written("Bo slept " * 20, ended=False)]
    found = of_texts([asked(settings)] * 2, written, ["nothing of it"])
    assert found["names_kept"] == found["keywords_kept"] == found["length_kept"] == 0.5
    assert found["settings_kept"] == found["ends_by_itself"] == 0.5
    assert found["words"] == 26
    assert asked_for([asked(settings)] * 2, written) == [1.0, 0.0]


def test_without_settings_nothing_is_kept_and_nothing_broken() -> None:
    found = of_texts([asked(None)], [Written("The fox ran.", ended=True)], [])
    assert found["settings_kept"] is found["names_kept"] is None
    assert found["ends_by_itself"] == 1.0
    assert asked_for([asked(None)], [Written("", ended=True)]) == []


# --- parity ---------------------------------------------------------------------------------------


class ScriptedProbe:
    """Says the next token of a script by how much it has been asked, at each strength of its own."""

    def __init__(self, tuned: Sequence[int], base: Sequence[int]) -> None:
        self.said: dict[tuple[float, ...], list[int]] = {(1.0,): list(tuned), (0.0,): list(base)}
        self.asked: list[list[int]] = []

    def next_token(self, tokens: Sequence[int], scales: Sequence[float] = ()) -> int:
        self.asked.append(list(tokens))
        return self.said[tuple(scales)].pop(0)


def choices(*firsts: int, margin: float = 1.0) -> list[Choice]:
    return [Choice(first, first + 50, margin) for first in firsts]


def compared(tuned: Sequence[int], base: Sequence[int], said: Sequence[Choice]) -> parity.Parity:
    probe: Any = ScriptedProbe(tuned, base)
    return parity.compare(probe, [Text((1,), (7, 8, 9, 2))], [said], tuned=[1.0], base=[0.0])


def test_parity_counts_where_both_say_the_same() -> None:
    told = compared([7, 8, 5, 2], [7, 3, 3, 2], choices(7, 8, 9, 2))
    assert told == parity.Parity(0.75, 0.75, 0.5, 4)


@pytest.mark.parametrize(
    ("said", "margin", "agreement"), [(57, 0.09, 1.0), (57, 0.11, 0.75), (77, 0.09, 0.75)]
)
def test_only_the_second_choice_at_a_near_tie_is_agreement_too(
    said: int, margin: float, agreement: float
) -> None:
    told = compared([said, 8, 9, 2], [7, 8, 9, 2], choices(7, 8, 9, 2, margin=margin))
    assert (told.agreement, told.exact) == (agreement, 0.75)


def test_the_server_is_led_along_the_story_and_not_along_its_own_words() -> None:
    probe: Any = ScriptedProbe([0] * 4, [0] * 4)
    parity.compare(probe, [Text((1, 5), (7, 8, 9, 2))], [choices(1, 1, 1, 1)], tuned=[1.0], base=[0.0])
    assert probe.asked[:4] == probe.asked[4:] == [[1, 5], [1, 5, 7], [1, 5, 7, 8], [1, 5, 7, 8, 9]]


@pytest.mark.parametrize(
    ("lengths", "positions", "expected"),
    [
        ([100, 100], 60, [30, 30]),
        ([10, 100], 60, [10, 50]),
        ([100, 10, 5], 60, [45, 10, 5]),
        ([10, 10], 60, [10, 10]),
        ([100], 60, [60]),
        ([], 60, []),
        ([50, 50, 50], 10, [4, 3, 3]),
    ],
)
def test_places_are_spread_over_the_stories(lengths: list[int], positions: int, expected: list[int]) -> None:
    found = parity._spread(lengths, positions)
    assert sum(found) == sum(expected)
    assert sorted(found) == sorted(expected)


def test_without_a_place_there_is_nothing_to_compare() -> None:
    probe: Any = ScriptedProbe([], [])
    with pytest.raises(ValueError, match="no token"):
        parity.compare(probe, [], [], tuned=[1.0], base=[0.0])


def test_the_general_prose_is_many_pieces_and_no_story_of_ours() -> None:
    pieces = prose_pieces()
    assert len(pieces) >= 8
    assert all(40 < len(piece.split()) < 400 for piece in pieces)
    assert not any("little one" in piece for piece in pieces)

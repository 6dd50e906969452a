"""What the first stage promises: every story as the engine would meet it, or a sentence why not."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from finetune.config import LearnConfig
from finetune.context import Context
from finetune.dataset import LEAST_HELD_OUT, Model, dataset
from finetune.errors import SkippedError
from finetune.importing import import_stories
from finetune.runs import Manifest
from finetune.stories.examples import PLAIN_PROMPT, Example, Examples, Reader, read_settings
from finetune.stories.split import is_held_out
from storaiteller.config import Config
from storaiteller.engines.base import GenerationOptions
from storaiteller.engines.llama_cpp import LlamaCppEngine
from storaiteller.engines.llama_probe import LlamaProbe
from storaiteller.errors import ConfigError
from storaiteller.feedback import GOOD, GoodStory
from storaiteller.feedback_csv import encode_row
from storaiteller.prompts import story_messages, story_prompt
from storaiteller.story import Message, StorySettings
from tests.learning.exam import Heard
from tests.learning.stories import good_story, style_stories

END_OF_TURN = 2
SETTINGS = {"genre": "Fantasy", "register": "Vivid", "max_words": 100, "characters": ["Ada"]}


@pytest.fixture
def context(config: Config) -> Context:
    return Context(config, LearnConfig(), Heard())


@pytest.fixture(scope="module")
def probe(demo_model_path: Path) -> Iterator[LlamaProbe]:
    with LlamaProbe(demo_model_path, window=512) as probe:
        yield probe


@pytest.fixture
def examples(probe: LlamaProbe) -> Examples:
    return Examples(probe, 2_048)


def no_model(context: Context) -> Model:
    raise AssertionError("The model is not needed to see that there are too few stories.")


def save(context: Context, stories: Sequence[GoodStory]) -> None:
    for story in stories:
        context.ledger.save(story)


@dataclass
class Made:
    manifest: Manifest
    folder: Path

    def lines(self, side: str) -> list[dict[str, Any]]:
        text = (self.folder / self.manifest.outputs[side]).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n") if line]


def make(context: Context, reader: Reader, sha256: str = "model") -> Made:
    """The stage, in the run that there is or a new one."""
    runs = context.runs
    run = runs.get(None) if runs.all() else runs.create()
    manifest = dataset(context, run, lambda context: Model(sha256, lambda: nullcontext(reader)))
    return Made(manifest, run.folder / "dataset")


def skipped(context: Context) -> str:
    run = context.runs.create()
    with pytest.raises(SkippedError) as caught:
        dataset(context, run, no_model)
    assert list(run.folder.iterdir()) == []
    return caught.value.message


# --- too little to learn from ---------------------------------------------------------------------


def test_an_empty_ledger_is_skipped_with_how_many_are_missing(context: Context) -> None:
    assert skipped(context) == (
        "There are no good stories yet, and learning begins at 20: 20 more are missing."
    )


def test_one_story_too_few_is_skipped_with_how_many_there_are(context: Context) -> None:
    save(context, style_stories(19))
    assert skipped(context) == (
        "There are 19 different good stories, and learning begins at 20: 1 more is missing."
    )


def test_one_story_a_hundred_times_is_one_story(context: Context) -> None:
    [story] = style_stories(1)
    save(context, [replace(story, story_id=f"again-{number}") for number in range(100)])
    save(context, [replace(story, story_id="word", story="Word")])
    assert skipped(context) == (
        "There is 1 different good story, and learning begins at 20: 19 more are missing. "
        "Not counted: 99 told again and 1 with no more than a word."
    )


def test_too_few_stories_for_an_exam_are_skipped_and_said_so(context: Context) -> None:
    learned = [story for story in style_stories(40) if not is_held_out(story.story_id, 0.2)]
    held_out = [story for story in style_stories(40) if is_held_out(story.story_id, 0.2)]
    save(context, [*learned, *held_out[: LEAST_HELD_OUT - 1]])
    assert skipped(context) == (
        f"There are {len(learned) + 2} different good stories. Each story is set apart for learning or for "
        "the exam by its id, and so far there are only 2 for the exam, which needs 3: a few more good "
        "stories will do."
    )


def test_nothing_to_learn_from_is_skipped_and_said_so(config: Config) -> None:
    context = Context(config, LearnConfig(min_likes=2, held_out=0.8))
    save(context, [story for story in style_stories(20) if is_held_out(story.story_id, 0.8)])
    assert "so far there are none to learn from: a few more good stories will do." in skipped(context)


# --- the stage, on the real demo model ------------------------------------------------------------


@pytest.mark.model
def test_the_stage_counts_what_it_read_and_writes_each_story_on_its_side(
    context: Context, probe: LlamaProbe
) -> None:
    stories = style_stories(40)
    save(context, stories)
    save(context, [replace(stories[0], story_id="copy")])
    save(context, [replace(stories[1], story_id="draft", story=stories[1].story + " Truly.")])
    save(context, [replace(stories[2], story_id="word", story="Word")])
    context.ledger.take_back(stories[39].story_id)
    made = make(context, probe)
    metrics = made.manifest.metrics
    counts = ("likes", "taken_back", "broken_rows", "duplicates", "near_duplicates", "unusable")
    assert [metrics[name] for name in counts] == [42, 1, 0, 1, 1, 1]
    assert metrics["train_stories"] + metrics["held_out_stories"] == 39
    assert metrics["split_stories"] == 0
    for side in ("train", "held_out"):
        lines = made.lines(side)
        assert [line["story_id"] for line in lines] == metrics[f"{side}_ids"]
        assert len(lines) == metrics[f"{side}_stories"]
        assert metrics[f"{side}_tokens"] == sum(
            len(line["prompt_tokens"]) + len(line["story_tokens"]) for line in lines
        )
    known = {story.story_id for story in stories}
    assert all(is_held_out(one, 0.2) for one in known & set(metrics["held_out_ids"]))
    assert not any(is_held_out(one, 0.2) for one in known & set(metrics["train_ids"]))
    assert {"copy", "draft"} <= {*metrics["train_ids"], *metrics["held_out_ids"]}
    assert not {stories[0].story_id, stories[1].story_id} & {*metrics["train_ids"], *metrics["held_out_ids"]}
    tell = context.tell
    assert isinstance(tell, Heard)
    assert tell.said[0] == (
        f"{metrics['train_stories']} stories to learn from, {metrics['held_out_stories']} for the exam."
    )
    assert (metrics["train_stories"], metrics["train_stories"]) in [step[1:] for step in tell.told]


@pytest.mark.model
def test_broken_rows_are_passed_over_and_counted_and_the_rest_is_used(
    context: Context, probe: LlamaProbe
) -> None:
    """Cells missing, bytes that are no text, a quote that is never closed, and half a row at the end."""
    stories = style_stories(40)
    save(context, stories[:20])
    broken = b'"only","three","cells"\n"\xff","","","","","","",""\n"never closed\n'
    with context.config.ledger_path.open("ab") as file:
        file.write(broken + encode_row(stories[20], GOOD))
    save(context, stories[21:])
    with context.config.ledger_path.open("ab") as file:
        file.write(b'"half a row')
    made = make(context, probe)
    assert made.manifest.metrics["broken_rows"] == 4
    assert made.manifest.metrics["likes"] == 40
    assert len(made.lines("train")) + len(made.lines("held_out")) == 40
    assert isinstance(context.tell, Heard)
    assert context.tell.said[1] == "4 rows of the ledger are damaged and were passed over."
    assert broken in context.config.ledger_path.read_bytes()


@pytest.mark.model
def test_run_twice_it_does_nothing_twice_and_with_other_stories_or_another_model_all_anew(
    context: Context, probe: LlamaProbe
) -> None:
    stories = style_stories(40)
    save(context, stories[:39])
    first = make(context, probe)
    written = (first.folder / "train.jsonl").stat()
    again = make(context, probe)
    assert again.manifest == first.manifest
    assert (again.folder / "train.jsonl").stat() == written
    save(context, stories[39:])
    more = make(context, probe)
    assert more.manifest.fingerprint != first.manifest.fingerprint
    assert len(more.lines("train")) + len(more.lines("held_out")) == 40
    assert make(context, probe, "another").manifest.fingerprint != more.manifest.fingerprint


@pytest.mark.model
def test_a_story_stays_on_its_side_from_one_run_to_the_next(context: Context, probe: LlamaProbe) -> None:
    stories = style_stories(40)
    save(context, stories[:30])
    before = make(context, probe).manifest.metrics
    save(context, stories[30:])
    after = make(context, probe).manifest.metrics
    assert set(before["train_ids"]) < set(after["train_ids"])
    assert set(before["held_out_ids"]) < set(after["held_out_ids"])


@pytest.mark.model
def test_drafts_of_one_story_never_sit_on_both_sides(config: Config, probe: LlamaProbe) -> None:
    context = Context(config, LearnConfig(held_out=0.5))
    stories = style_stories(40)
    save(context, stories)
    save(context, [replace(story, story_id=f"{story.story_id}-2") for story in stories])
    metrics = make(context, probe).manifest.metrics
    assert metrics["train_stories"] + metrics["held_out_stories"] == 40
    for story_id in metrics["held_out_ids"]:
        assert story_id.endswith("-2")
        assert is_held_out(story_id, 0.5)
        assert is_held_out(story_id.removesuffix("-2"), 0.5)


@pytest.mark.model
@pytest.mark.slow
def test_the_stage_asks_the_very_model_that_the_app_serves(config: Config, demo_model_path: Path) -> None:
    context = Context(config.model_copy(update={"model": str(demo_model_path)}))
    save(context, style_stories(24))
    manifest = dataset(context, context.runs.create())
    assert manifest.metrics["train_stories"] == 18
    assert manifest.metrics["held_out_stories"] == 6


# --- examples -------------------------------------------------------------------------------------


def content_of(probe: LlamaProbe, tokens: list[int]) -> str:
    return str(probe._ask("/detokenize", {"tokens": tokens})["content"])


@pytest.mark.model
async def test_a_story_is_asked_for_exactly_as_the_engine_asks_for_it(
    examples: Examples, probe: LlamaProbe, demo_model_path: Path
) -> None:
    [story] = style_stories(1)
    [example] = examples.of(story)
    settings = read_settings(story.settings_json)
    assert settings is not None
    messages = story_messages(settings)
    assert example.prompt == probe.render(messages)
    assert example.prompt_tokens == probe.tokens(example.prompt, prompt=True)
    assert story_prompt(settings) in example.prompt
    engine = await LlamaCppEngine.load(demo_model_path, window=512)
    try:
        chunks = [chunk async for chunk in engine.stream(messages, GenerationOptions(max_tokens=1))]
    finally:
        await engine.aclose()
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == len(example.prompt_tokens)


@pytest.mark.model
@pytest.mark.parametrize(
    "text",
    [
        style_stories(1)[0].story,
        "昔々、ある所におじいさんがいた。🌙⛵\n\n👩‍👩‍👧 Zoë, كان يا ما كان.",
        "It says <|im_end|> and <|endoftext|> and goes on.",
        "two  spaces,\ttabs\r\nand e\u0301 stay",
    ],
)
def test_the_tokens_are_the_story_and_one_end_of_turn(
    examples: Examples, probe: LlamaProbe, text: str
) -> None:
    [example] = examples.of(good_story("s", SETTINGS, f"\n {text} \n"))
    assert example.story == text
    assert example.story_tokens.count(END_OF_TURN) == 1
    assert example.story_tokens[-1] == END_OF_TURN
    assert content_of(probe, example.story_tokens[:-1]) == text
    assert content_of(probe, example.prompt_tokens) == example.prompt


@pytest.mark.model
def test_what_is_learned_is_never_normalized(examples: Examples) -> None:
    """Composed and decomposed letters are the same story, but each is learned as it was written."""
    story = good_story("s", SETTINGS, "Zoe\u0308 rows  home.")
    assert examples.of(story)[0].story == "Zoe\u0308 rows  home."


@pytest.mark.model
@pytest.mark.parametrize(
    ("settings_json", "prompt", "asked"),
    [
        (json.dumps(SETTINGS), "Ignored.", story_prompt(StorySettings(**SETTINGS))),  # type: ignore[arg-type]
        (json.dumps(SETTINGS | {"mood": "blue"}), "", story_prompt(StorySettings(**SETTINGS))),  # type: ignore[arg-type]
        ("{}", "Tell of a boat.", "Tell of a boat."),
        (json.dumps(SETTINGS | {"genre": "Opera"}), "Tell of a boat.", "Tell of a boat."),
        ("not JSON", "Tell of a boat.", "Tell of a boat."),
        ("[1]", "Tell of a boat.", "Tell of a boat."),
        ("[" * 100_000, "Tell of a boat.", "Tell of a boat."),
        ("{}", " \n", PLAIN_PROMPT),
        ("{}", "much too long " * 1_000, PLAIN_PROMPT),
    ],
    ids=lambda value: ascii(value[:30]),
)
def test_the_question_is_made_of_the_settings_else_the_prompt_else_it_is_plain(
    examples: Examples, probe: LlamaProbe, settings_json: str, prompt: str, asked: str
) -> None:
    [example] = examples.of(GoodStory(prompt, "Ada rows home.", "s", settings_json, "demo", "v1"))
    assert example.prompt == probe.render([Message("user", asked)])
    assert (example.settings is None) == (asked != story_prompt(StorySettings(**SETTINGS)))  # type: ignore[arg-type]


@pytest.mark.model
def test_the_settings_stand_beside_the_story_as_the_app_stores_them(examples: Examples) -> None:
    [story] = style_stories(1)
    assert examples.of(story)[0].settings == json.loads(story.settings_json)


@pytest.mark.model
def test_an_imported_text_without_a_prompt_answers_the_plain_one(
    context: Context, examples: Examples, probe: LlamaProbe, tmp_path: Path
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "one.txt").write_text("Ada rows home.")
    import_stories(context, tmp_path / "texts")
    [row] = context.ledger.latest()
    assert examples.of(row)[0].prompt == probe.render([Message("user", PLAIN_PROMPT)])


def long_story(words: int) -> str:
    chance = random.Random(5)
    known = sorted({word for story in style_stories(40) for word in story.story.split()})
    told = [chance.choice(known) for _ in range(words)]
    for at in range(11, words, 12):
        told[at] = told[at].rstrip(".,") + (".\n\n" if at % 60 == 11 else ".")
    return " ".join(told).replace("\n\n ", "\n\n").strip()


def check_parts(parts: list[Example], story: str, window: int, probe: LlamaProbe) -> None:
    """Whole, in order, inside the window, each after the first going on as the app's Continue does."""
    assert "".join(part.story for part in parts) == story
    assert [(part.part, part.parts) for part in parts] == [(n, len(parts)) for n in range(1, len(parts) + 1)]
    assert all(len(part.prompt_tokens) + len(part.story_tokens) <= window for part in parts)
    assert [part.story_tokens.count(END_OF_TURN) for part in parts] == [0] * (len(parts) - 1) + [1]
    question = parts[0].prompt
    before = ""
    for part in parts:
        assert part.prompt.startswith(question)
        begun = part.prompt[len(question) :]
        assert before.endswith(begun)
        assert bool(begun) == bool(before)
        assert part.prompt_tokens == probe.tokens(part.prompt, prompt=True)
        before += part.story


@pytest.mark.model
@pytest.mark.slow
def test_a_story_of_50_000_words_is_learned_from_whole_in_parts_that_fit(
    examples: Examples, probe: LlamaProbe
) -> None:
    story = long_story(50_000)
    parts = examples.of(good_story("s", SETTINGS, story))
    check_parts(parts, story, 2_048, probe)
    assert all(part.story.startswith("\n\n") for part in parts[1:])
    settings = StorySettings(**SETTINGS)  # type: ignore[arg-type]
    begun = parts[5].prompt[len(parts[0].prompt) :]
    assert parts[5].prompt == probe.render(story_messages(settings, begun))
    assert 900 < len(parts[5].prompt_tokens) <= 1_100


@pytest.mark.model
@pytest.mark.parametrize(
    "story",
    [
        " ".join(style_stories(20)[number].story.replace("\n\n", " ") for number in range(6)),
        "word " * 1_500 + "end",
        "月が出た海は静か" * 300,
        "😀🌙⛵" * 300,
        "x" * 4_000,
    ],
    ids=["sentences", "words", "no spaces", "emoji", "one long word"],
)
def test_whatever_is_too_long_is_cut_somewhere_and_nothing_is_lost(probe: LlamaProbe, story: str) -> None:
    parts = Examples(probe, 256).of(good_story("s", SETTINGS, story))
    assert len(parts) > 1
    check_parts(parts, story, 256, probe)


@pytest.mark.model
def test_a_thousand_empty_lines_are_no_part_of_a_story(probe: LlamaProbe) -> None:
    story = good_story("s", SETTINGS, "Ada rows.\n" + "\n" * 50_000 + "Bo rows.")
    parts = Examples(probe, 256).of(story)
    assert [part.story.strip() for part in parts] == ["Ada rows.", "Bo rows."]
    assert [(part.part, part.parts) for part in parts] == [(1, 2), (2, 2)]


@pytest.mark.model
def test_long_stories_are_counted_as_split(config: Config, probe: LlamaProbe) -> None:
    context = Context(config, LearnConfig(window=256))
    save(context, style_stories(40))
    made = make(context, probe)
    lines = [*made.lines("train"), *made.lines("held_out")]
    assert len(lines) > 40
    assert made.manifest.metrics["split_stories"] == sum(line["part"] == 2 for line in lines)
    assert len(made.manifest.metrics["train_ids"]) == made.manifest.metrics["train_stories"]


@pytest.mark.model
def test_a_window_without_room_for_a_story_is_refused(probe: LlamaProbe) -> None:
    with pytest.raises(ConfigError, match="A window of 64 tokens leaves no room for a story"):
        Examples(probe, 64).of(good_story("s", SETTINGS, "Ada rows home."))

"""Batches hold everything once, without padding, and within their bounds."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from finetune.stories.examples import Example, read_examples
from finetune.training.batches import IGNORED, batches, rows, shuffled, tensors, usual_batch

lengths = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), min_size=1, max_size=40)


def examples_of(sizes: list[tuple[int, int]]) -> list[Example]:
    return [
        Example(f"s{number}", 1, 1, "q", "p", "s", None, list(range(prompt)), list(range(100, 100 + story)))
        for number, (prompt, story) in enumerate(sizes)
    ]


@given(lengths, st.integers(1, 200), st.integers(1, 200))
def test_every_example_is_in_exactly_one_row_and_no_row_is_too_long(
    sizes: list[tuple[int, int]], batch_tokens: int, row_tokens: int
) -> None:
    examples = examples_of(sizes)
    made = batches(examples, batch_tokens, row_tokens)
    assert sorted(e.story_id for batch in made for row in batch for e in row) == sorted(
        e.story_id for e in examples
    )
    for batch in made:
        assert sum(len(e) for row in batch for e in row) <= batch_tokens or len(batch) == len(batch[0]) == 1
        assert all(sum(map(len, row)) <= row_tokens or len(row) == 1 for row in batch)


@given(lengths)
def test_a_row_has_no_padding_and_learns_the_stories_alone(sizes: list[tuple[int, int]]) -> None:
    row = examples_of(sizes)
    made = tensors(row)
    assert made.input_ids.shape == made.position_ids.shape == made.labels.shape == (1, sum(map(len, row)))
    labels = made.labels[0].tolist()
    assert made.learned == sum(story for _, story in sizes) == sum(label != IGNORED for label in labels)
    assert [i for i, position in enumerate(made.position_ids[0].tolist()) if position == 0] == [
        sum(map(len, row[:number])) for number in range(len(row))
    ]


def test_rows_are_filled_before_new_ones_are_begun() -> None:
    made = rows(examples_of([(10, 50), (10, 40), (10, 30), (10, 10)]), 100)
    assert sorted(sum(map(len, row)) for row in made) == [70, 100]


def test_few_stories_are_learned_one_by_one_and_many_together() -> None:
    few, many = examples_of([(100, 200)] * 30), examples_of([(100, 200)] * 400)
    assert len(batches(few, usual_batch(few), 1_024)) == 30
    assert len(batches(many, usual_batch(many), 1_024)) == 40


def test_an_epoch_has_the_same_order_each_time_and_another_epoch_another() -> None:
    examples = examples_of([(1, n + 1) for n in range(20)])
    first = [e.story_id for e in shuffled(examples, 7, 1)]
    assert first == [e.story_id for e in shuffled(examples, 7, 1)]
    assert first != [e.story_id for e in shuffled(examples, 7, 2)]
    assert sorted(first) == sorted(e.story_id for e in examples)


def test_examples_survive_their_file(tmp_path: Path) -> None:
    told = Example("ü-1", 1, 2, "Q", "Q\n", "Once\u2028 “🌙”\r\n", {"genre": "Fantasy"}, [1, 2], [3, 4])
    path = tmp_path / "examples.jsonl"
    line = json.dumps(asdict(told), ensure_ascii=False) + "\n"
    path.write_text(line * 2, encoding="utf-8", newline="")
    assert read_examples(path) == [told, told]

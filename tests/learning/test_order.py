"""Stories in another order: the same words, and nothing that goes."""

from __future__ import annotations

from finetune.exam.order import STORIES, in_another_order, shuffled
from finetune.stories.examples import Example


def test_the_words_are_the_same_and_their_order_is_not() -> None:
    story = "Once there was a fox.\n\nIt found the moon, and the moon found it."
    other = shuffled(story, "7/0")
    assert sorted(other.split()) == sorted(story.split())
    assert other.split() != story.split()
    assert other == shuffled(story, "7/0")
    assert other != shuffled(story, "7/1")


def test_a_few_stories_are_enough_and_keep_their_prompts() -> None:
    examples = [Example(f"s{n}", 1, 1, "", "", "a b c", None, [n], [1, 2]) for n in range(STORIES + 3)]
    made = in_another_order(examples, lambda text: [ord(word) for word in text.split()], seed=1)
    assert [text.prompt for text in made] == [(n,) for n in range(STORIES)]
    assert all(sorted(text.story) == [97, 98, 99] for text in made)

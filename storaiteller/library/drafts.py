"""Stories and versions as they are about to be kept: checked, and their words counted. No I/O."""

# ruff: noqa: A002 - a story's id is called id wherever it goes

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from storaiteller.library import checks, origins, passages
from storaiteller.library.values import Origins, Passage, Story, StoryId, VersionText
from storaiteller.library.words import excerpt
from storaiteller.story import count_words


def new_story(
    id: StoryId,
    text: str,
    title: str,
    settings: dict[str, Any] | None,
    model: str | None,
    tags: Iterable[str],
    created_at: datetime,
    updated_at: datetime,
    trashed_at: datetime | None = None,
    runs: Sequence[Any] | None = None,
) -> Story:
    """A story of what is given, checked; ``runs`` are its origins."""
    return _counted(
        Story(
            id=checks.story_id(id),
            text=checks.story_text(text),
            title=checks.title(title),
            settings=checks.settings(settings),
            model=checks.model(model),
            tags=checks.tags(tags),
            created_at=created_at,
            updated_at=updated_at,
            trashed_at=trashed_at,
            excerpt="",
            words=0,
            revision=1,
            origins=origins.checked(runs, text),
        )
    )


def changed_story(story: Story, changes: dict[str, Any]) -> Story:
    """The story with the changes, updated now; the story itself if they change nothing.

    Out of the trash if its text changes: what is being written is not thrown away. Origins that are given
    are those of the changed text; another text without any has none that are known.
    """
    text = changes.get("text", story.text)
    if "origins" in changes:
        changes = changes | {"origins": origins.checked(changes["origins"], text)}
    elif text != story.text:
        changes = changes | {"origins": None}
    if "tags" in changes and _same_tags(changes["tags"], story.tags):
        changes = changes | {"tags": story.tags}
    changed = replace(story, **changes)
    same = changed == story and checks.same_settings(changed.settings, story.settings)
    if same:
        return story
    trashed_at = story.trashed_at if changed.text == story.text else None
    return _counted(replace(changed, updated_at=datetime.now(UTC), trashed_at=trashed_at))


def restored_story(story: Story, version: VersionText) -> Story:
    """The story as it was then; origins that are not known take away none of the same text."""
    changes: dict[str, Any] = {"text": version.text, "settings": version.settings}
    if version.origins is not None:
        changes["origins"] = version.origins
    return changed_story(story, changes)


def is_same(stored: Story, given: Story) -> bool:
    """Whether a new story is there already, as it was made."""
    of_both = [(each.revision, each.text, each.title, each.model, each.origins) for each in (stored, given)]
    same = of_both[0] == of_both[1] and checks.same_settings(stored.settings, given.settings)
    return same and _same_tags(stored.tags, given.tags)


def _same_tags(one: Iterable[str], other: Iterable[str]) -> bool:
    return set(map(checks.tag_key, one)) == set(map(checks.tag_key, other))


def adopted_story(story: Story) -> Story:
    """A story of an archive, which anybody may have made: checked, and counted anew."""
    return new_story(
        story.id,
        story.text,
        story.title,
        story.settings,
        story.model,
        story.tags,
        created_at=checks.instant(story.created_at),
        updated_at=checks.instant(story.updated_at),
        trashed_at=None if story.trashed_at is None else checks.instant(story.trashed_at),
        runs=story.origins,
    )


def adopted_versions(versions: Iterable[VersionText]) -> list[VersionText]:
    """The versions of a story of an archive, oldest first: checked, and counted anew from 1.

    A text that many of them have is looked at once, and so are origins.
    """
    words: dict[str, int] = {}
    known: dict[tuple[int, int], Origins | None] = {}
    adopted = []
    in_order = sorted(versions, key=lambda each: each.number)
    for number, each in enumerate(in_order, start=1):
        if each.text not in words:
            words[each.text] = count_words(checks.story_text(each.text))
        of_both = id(each.origins), len(each.text)
        if of_both not in known:
            known[of_both] = origins.checked(each.origins, each.text)
        adopted.append(
            replace(
                each,
                number=number,
                at=checks.instant(each.at),
                reason=checks.reason(each.reason),
                name=checks.version_name(each.name),
                words=words[each.text],
                settings=checks.settings(each.settings),
                origins=known[of_both],
            )
        )
    return adopted


def adopted_passages(given: Iterable[Passage]) -> list[Passage]:
    """The passages of a story of an archive, checked."""
    return [
        replace(
            passages.checked(each),
            created_at=checks.instant(each.created_at),
            updated_at=checks.instant(each.updated_at),
        )
        for each in given
    ]


def _counted(story: Story) -> Story:
    """The story with the excerpt and the words of its text."""
    return replace(story, excerpt=excerpt(story.text), words=count_words(story.text))

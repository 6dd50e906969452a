"""What the tests of ledgers share: odd texts, rows as a program reads them, and disks that fail."""

from __future__ import annotations

import contextlib
import csv
import errno
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from storaiteller.feedback import GoodStory

TRICKY = 'Once "upon"\na, time\r\nthere\rwas \ufeff😀 e\u0301 \u05d0\u05d1 \u2028\x85\x0b=1+1'

NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
BAD_DISK = OSError(errno.EIO, os.strerror(errno.EIO))

_any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_tricky_text = st.text(st.sampled_from('a"\r\n, \t;=\\#\ufeff\u2028\x1a😀\u0301'))
texts = _any_text | _tricky_text


def good_story(story_id: str = "s1", story: str = TRICKY, prompt: str = "Write.") -> GoodStory:
    return GoodStory(prompt, story, story_id, '{"genre": "Fantasy"}', "demo", "v1")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


@contextlib.contextmanager
def broken(module: object, name: str, broken_function: Callable[..., Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, broken_function)
        yield


def raising(error: BaseException, *, then: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A function that raises ``error``, always, or only the first time if there is a ``then``."""
    calls = itertools.count()

    def function(*arguments: Any) -> Any:
        if then and next(calls):
            return then(*arguments)
        raise error

    return function

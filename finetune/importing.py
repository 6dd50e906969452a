"""Taking over the writer's own texts as good stories."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from finetune.context import Context
from finetune.errors import ImportRefusedError
from finetune.stories.texts import Found, Hear, Refused, read_chats, read_csv, read_folder
from storaiteller.feedback import FeedbackLedger, GoodStory

MODEL = "imported"
"""What the ledger says wrote these stories."""

ALLOWED = (
    "A CSV file with the columns Prompt and Story, a .jsonl file with a chat a line, or a folder of .txt and "
    ".md files can be imported."
)
EXAMPLES = 3
_READERS = {".csv": read_csv, ".tsv": read_csv, ".jsonl": read_chats, ".ndjson": read_chats}


@dataclass(slots=True)
class Refusal:
    """Texts that were refused for one ``reason``, and where the first of them are."""

    reason: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.examples) else ""
        return f"{self.count:,} {self.reason} ({', '.join(self.examples)}{more})"


@dataclass(slots=True)
class Imported:
    """What came of an import: stories ``taken``, ``known`` (there already), and those refused."""

    taken: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def refuse(self, text: Refused) -> None:
        same = next((refusal for refusal in self.refused if refusal.reason == text.reason), None)
        if same is None:
            same = Refusal(text.reason)
            self.refused.append(same)
        same.count += 1
        if len(same.examples) < EXAMPLES:
            same.examples.append(text.where)

    def __str__(self) -> str:
        told = f"Taken over as good stories: {self.taken:,}. There already: {self.known:,}."
        return f"{told} {self.refusals}".rstrip()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def refusals(self) -> str:
        return f"Refused: {'; '.join(map(str, self.refused))}." if self.refused else ""


def import_stories(context: Context, path: Path) -> Imported:
    """Save the texts in a file or folder into the ledger as good stories, and tell what became of each.

    A text has the same id whenever it is imported: once more adds nothing, and one that was taken back
    stays so. Raises ``ImportRefusedError`` when there is no story in it at all, ``LedgerError`` when one
    could not be saved; those saved before it stay.
    """

    def hear(done: float, total: float) -> None:
        context.tell.progress(f"Importing {path.name}", done, total)

    try:
        imported = _save(_read(path, hear), context.ledger)
    except OSError as error:
        raise ImportRefusedError(f"{path} could not be read: {error.strerror or error}.") from error
    if not imported.taken and not imported.known:
        raise ImportRefusedError(f"There is no story in {path}. {imported.refusals or ALLOWED}")
    context.tell.say(str(imported))
    return imported


def _read(path: Path, hear: Hear) -> Iterable[Found | Refused]:
    if path.is_dir():
        return read_folder(path, hear)
    if not path.is_file():
        raise ImportRefusedError(f"There is no file or folder {path}. {ALLOWED}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ImportRefusedError(f"{path.name} is of a kind that is not known here. {ALLOWED}")
    return reader(path, hear)


def _save(texts: Iterable[Found | Refused], ledger: FeedbackLedger) -> Imported:
    imported = Imported()
    known = {row.story_id for row in ledger.latest()}
    for text in texts:
        if isinstance(text, Refused):
            imported.refuse(text)
            continue
        story = _good_story(text)
        if story.story_id in known:
            imported.known += 1
        else:
            ledger.save(story)
            known.add(story.story_id)
            imported.taken += 1
    return imported


def _good_story(text: Found) -> GoodStory:
    content = hashlib.sha256(f"{text.prompt}\0{text.story}".encode()).hexdigest()
    return GoodStory(text.prompt, text.story, f"import-{content[:24]}", "{}", MODEL, MODEL)

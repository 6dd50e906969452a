"""What an import promises: every story once, and a reason for each that was refused."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from finetune.context import Context
from finetune.errors import ImportRefusedError
from finetune.importing import EXAMPLES, Imported, import_stories
from finetune.stories.texts import LONGEST_LINE
from storaiteller.config import Config
from storaiteller.feedback import GOOD
from storaiteller.story import MAX_TEXT_CHARACTERS
from tests.learning.exam import Heard

TALE = "The moon rose.\n\nAda rowed home, singing."


@pytest.fixture
def told() -> Heard:
    return Heard()


@pytest.fixture
def context(config: Config, told: Heard) -> Context:
    return Context(config, tell=told)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    return folder


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def chat(*turns: tuple[str, Any]) -> str:
    return json.dumps({"messages": [{"role": role, "content": content} for role, content in turns]})


def saved(context: Context) -> list[tuple[str, str]]:
    return [(row.prompt, row.story) for row in context.ledger.latest() if row.rating == GOOD]


def refusals(imported: Imported) -> dict[str, list[str]]:
    return {refusal.reason: refusal.examples for refusal in imported.refused}


# --- CSV ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_csv_of_any_common_dialect_gives_its_prompts_and_stories(
    context: Context, folder: Path, mark: str, delimiter: str, ending: str
) -> None:
    rows = [
        ("STORY", "Rating", "prompt "),
        (f'"{TALE}"', "5", '"Tell, or ""sing""; a\ttale"'),
        ("Bo sleeps.", "", "Write."),
    ]
    path = put(folder, "mine.csv", mark + "".join(delimiter.join(row) + ending for row in rows))
    imported = import_stories(context, path)
    assert (imported.taken, imported.known, imported.refused) == (2, 0, [])
    assert saved(context) == [('Tell, or "sing"; a\ttale', TALE), ("Write.", "Bo sleeps.")]


def test_what_is_imported_stands_in_the_ledger_as_the_writers_own(context: Context, folder: Path) -> None:
    import_stories(context, put(folder, "mine.csv", f'Prompt,Story\nWrite.,"{TALE}"\n'))
    [row] = context.ledger.latest()
    assert (row.model, row.settings_json, row.rating) == ("imported", "{}", GOOD)


def test_a_csv_row_that_is_no_story_is_refused_where_it_stands(context: Context, folder: Path) -> None:
    path = put(
        folder,
        "mine.csv",
        b"Prompt,Story\n"
        b'Write.,"Two lines,\nand a tale."\n'
        b"Write.,\n"
        b"\n"
        b"Write.,Word\n"
        b'Write.,"broken" quote\n'
        b"one cell\n"
        b"Write.,caf\xe9 in Latin letters\n"
        b"Write.,a NUL \0 inside\n"
        b"Write.," + b"long " * 200_001 + b"\n"
        b"Write.,The end comes.\n",
    )
    imported = import_stories(context, path)
    assert refusals(imported) == {
        "empty": ["line 4"],
        "of one word": ["line 6"],
        "not a whole row with a prompt and a story": ["line 7", "line 8"],
        "not UTF-8 text": ["line 9"],
        "not text: they hold NUL characters": ["line 10"],
        "longer than 1,000,000 characters": ["line 11"],
    }
    assert saved(context) == [("Write.", "Two lines,\nand a tale."), ("Write.", "The end comes.")]


def test_a_quote_that_is_never_closed_is_one_refused_row(context: Context, folder: Path) -> None:
    path = put(folder, "mine.csv", 'Prompt,Story\nWrite.,Bo sleeps.\nWrite.,"never closed\nWrite.,lost\n')
    imported = import_stories(context, path)
    assert imported.taken == 1
    assert refusals(imported) == {"not a whole row with a prompt and a story": ["line 3"]}


@pytest.mark.parametrize(
    "content",
    [
        b"Prompt,Text\nWrite.,Bo sleeps.\n",
        b"",
        "Prompt,Story\nWrite.,Bo sleeps.\n".encode("utf-16"),
        b"Prompt,Story\rWrite.,Bo sleeps.\r",
    ],
    ids=["no story column", "nothing", "UTF-16", "lines of an old Macintosh"],
)
def test_a_csv_without_the_two_columns_is_refused_with_what_to_do(
    context: Context, folder: Path, content: bytes
) -> None:
    with pytest.raises(ImportRefusedError, match="does not name the columns Prompt and Story"):
        import_stories(context, put(folder, "mine.csv", content))
    assert saved(context) == []


def test_a_csv_with_a_line_without_end_is_refused(context: Context, folder: Path) -> None:
    path = put(folder, "mine.csv", b"Prompt,Story\n" + b"x" * (LONGEST_LINE + 2))
    with pytest.raises(ImportRefusedError, match=r"Line 2 of mine\.csv is longer than any story"):
        import_stories(context, path)


# --- chats ----------------------------------------------------------------------------------------


def test_of_a_chat_the_last_answer_is_the_story_and_the_question_before_it_the_prompt(
    context: Context, folder: Path
) -> None:
    lines = [
        chat(("system", "Be kind."), ("user", "Hello"), ("assistant", "Good day"), ("user", "A tale!"))[:-2]
        + f', {{"role": "assistant", "content": {json.dumps(TALE)}}}]}}',
        chat(("system", "Tell tales."), ("assistant", "Bo sleeps.")),
        chat(("assistant", "No one asked.")),
        "",
        chat(
            ("user", "Parts"),
            ("assistant", [{"type": "text", "text": "Two "}, {"type": "text", "text": "parts"}]),
        ),
        chat(("user", "First"), ("assistant", "One answer."), ("user", "never answered")),
    ]
    imported = import_stories(context, put(folder, "chats.jsonl", "\ufeff" + "\n".join(lines)))
    assert imported.refused == []
    assert saved(context) == [
        ("A tale!", TALE),
        ("Tell tales.", "Bo sleeps."),
        ("", "No one asked."),
        ("Parts", "Two parts"),
        ("First", "One answer."),
    ]


NO_CHATS = [
    "{",
    "[]",
    '"text"',
    '{"messages": 5}',
    '{"messages": {"role": "assistant"}}',
    '{"messages": [{"role": "assistant"}]}',
    '{"messages": [{"role": [], "content": "x y"}, {"role": "assistant", "content": "x y"}]}',
    chat(("user", "Only a question")),
    chat(("assistant", None)),
    chat(("assistant", [{"type": "image", "url": "x"}])),
    "[" * 100_000,
]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        *((line, "not a chat with an answer") for line in NO_CHATS),
        (chat(("assistant", "half \ud83d a pair")), "not UTF-8 text"),
        (b'{"messages": [{"role": "assistant", "content": "caf\xe9 noir"}]}', "not UTF-8 text"),
        (chat(("assistant", " \n ")), "empty"),
        (chat(("assistant", "Word")), "of one word"),
        (chat(("assistant", "with \0 inside")), "not text: they hold NUL characters"),
        (chat(("user", "x" * 1_000_001), ("assistant", "Bo sleeps.")), "longer than 1,000,000 characters"),
        ("x" * (LONGEST_LINE + 1), "longer than 1,000,000 characters"),
    ],
    ids=lambda value: ascii(value[:40]),
)
def test_a_line_that_is_no_story_is_refused_and_the_next_one_taken(
    context: Context, folder: Path, line: str | bytes, reason: str
) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    path = put(folder, "chats.jsonl", raw + b"\n" + chat(("user", "A tale"), ("assistant", TALE)).encode())
    imported = import_stories(context, path)
    assert refusals(imported) == {reason: ["line 1"]}
    assert saved(context) == [("A tale", TALE)]


# --- folders --------------------------------------------------------------------------------------


def test_every_text_file_of_a_folder_is_a_story(context: Context, folder: Path) -> None:
    put(folder, "b.txt", "\ufeffThe second.\r\nWith two lines.\n")
    put(folder, "a.MD", "  # The first\n\nText\n")
    (folder / "inside").mkdir()
    put(folder / "inside", "日本.txt", "昔々ある所に🌙")
    imported = import_stories(context, folder)
    assert (imported.taken, imported.refused) == (3, [])
    assert saved(context) == [
        ("", "# The first\n\nText"),
        ("", "The second.\nWith two lines."),
        ("", "昔々ある所に🌙"),
    ]


def test_what_is_no_text_is_refused_by_name_and_hidden_files_are_not_looked_at(
    context: Context, folder: Path, tmp_path: Path
) -> None:
    put(folder, "tale.txt", TALE)
    put(folder, ".hidden.txt", "A hidden tale.")
    (folder / ".git").mkdir()
    put(folder / ".git", "note.txt", "Another hidden one.")
    put(folder, "book.docx", b"PK\x03\x04")
    put(folder, "latin.txt", b"caf\xe9 noir")
    put(folder, "empty.txt", "\ufeff \n")
    put(folder, "long.txt", b"x " * (2 * MAX_TEXT_CHARACTERS + 2))
    put(folder, "wide.txt", "😀 " * (MAX_TEXT_CHARACTERS // 2 + 1))
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop.txt").symlink_to("loop.txt")
    secret = put(tmp_path, "secret.txt", "A secret tale.")
    (folder / "link.txt").symlink_to(secret)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    put(elsewhere, "other.txt", "Another secret tale.")
    (folder / "links").symlink_to(elsewhere)
    imported = import_stories(context, folder)
    assert saved(context) == [("", TALE)]
    assert refusals(imported) == {
        "neither .txt nor .md": ["book.docx"],
        "not UTF-8 text": ["latin.txt"],
        "empty": ["empty.txt"],
        "links that lead out of the folder": ["link.txt", "links"],
        "longer than 1,000,000 characters": ["long.txt", "wide.txt"],
        "not readable": ["loop.txt", "pipe.txt"],
    }


def test_a_link_inside_the_folder_is_the_same_story(context: Context, folder: Path) -> None:
    put(folder, "tale.txt", TALE)
    (folder / "again.txt").symlink_to("tale.txt")
    imported = import_stories(context, folder)
    assert (imported.taken, imported.known) == (1, 1)


# --- all of them ----------------------------------------------------------------------------------


def test_importing_twice_adds_nothing(context: Context, folder: Path) -> None:
    path = put(folder, "mine.csv", "Prompt,Story\nWrite.,Bo sleeps.\nWrite.,Bo sleeps.\nWrite.,Bo wakes.\n")
    first = import_stories(context, path)
    before = context.config.ledger_path.read_bytes()
    second = import_stories(context, path)
    assert (first.taken, first.known) == (2, 1)
    assert (second.taken, second.known) == (0, 3)
    assert context.config.ledger_path.read_bytes() == before


def test_a_story_has_the_same_id_from_whatever_file_it_comes(context: Context, folder: Path) -> None:
    import_stories(context, put(folder, "mine.csv", "Prompt,Story\nWrite.,Bo sleeps.\n"))
    imported = import_stories(
        context, put(folder, "mine.jsonl", chat(("user", "Write."), ("assistant", "Bo sleeps.\n")))
    )
    assert (imported.taken, imported.known) == (0, 1)


def test_a_story_that_was_taken_back_is_not_brought_back_by_an_import(context: Context, folder: Path) -> None:
    path = put(folder, "mine.csv", "Prompt,Story\nWrite.,Bo sleeps.\n")
    import_stories(context, path)
    [row] = context.ledger.latest()
    context.ledger.take_back(row.story_id)
    assert import_stories(context, path).known == 1
    assert saved(context) == []


def test_what_was_taken_and_refused_is_told_with_the_first_examples(
    context: Context, folder: Path, told: Heard
) -> None:
    rows = "Write.,Word\n" * (EXAMPLES + 1)
    path = put(folder, "mine.csv", f"Prompt,Story\nWrite.,Bo sleeps.\n{rows}Write.,\n")
    imported = import_stories(context, path)
    assert told.said == [
        "Taken over as good stories: 1. There already: 0. "
        "Refused: 4 of one word (line 3, line 4, line 5, …); 1 empty (line 7)."
    ]
    assert imported.as_json() == {
        "taken": 1,
        "known": 0,
        "refused": [
            {"reason": "of one word", "count": 4, "examples": ["line 3", "line 4", "line 5"]},
            {"reason": "empty", "count": 1, "examples": ["line 7"]},
        ],
    }


@pytest.mark.parametrize("name", ["mine.csv", "mine.jsonl", "."])
def test_progress_ends_at_the_whole(context: Context, folder: Path, told: Heard, name: str) -> None:
    put(folder, "mine.csv", "Prompt,Story\nWrite.,Bo sleeps.\nWrite.,Bo wakes.\n")
    put(folder, "mine.jsonl", chat(("assistant", "Bo sleeps.")) + "\n" + chat(("assistant", "Bo wakes.")))
    put(folder, "tale.txt", TALE)
    import_stories(context, folder / name)
    steps = [(done, total) for _, done, total in told.told]
    assert len(steps) > 1
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize(
    ("name", "content", "told_so"),
    [
        ("mine.docx", b"PK", r"mine\.docx is of a kind that is not known here\. A CSV file"),
        ("mine.txt", b"Bo sleeps.", r"folder of \.txt and \.md files can be imported"),
        ("mine.csv", b"Prompt,Story\n", r"There is no story in .*mine\.csv\. A CSV file"),
        ("mine.csv", b"Prompt,Story\nWrite.,Word\n", r"no story in .*Refused: 1 of one word \(line 2\)\."),
        ("mine.jsonl", b"", r"There is no story in "),
    ],
)
def test_a_file_without_a_story_is_refused_with_what_is_allowed(
    context: Context, folder: Path, name: str, content: bytes, told_so: str
) -> None:
    with pytest.raises(ImportRefusedError, match=told_so):
        import_stories(context, put(folder, name, content))


def test_an_empty_folder_and_nothing_at_all_are_refused(context: Context, folder: Path) -> None:
    with pytest.raises(ImportRefusedError, match="There is no story in"):
        import_stories(context, folder)
    with pytest.raises(ImportRefusedError, match="There is no file or folder"):
        import_stories(context, folder / "gone.csv")


@pytest.mark.parametrize("name", ["mine.csv", "mine.jsonl"])
def test_a_file_that_cannot_be_read_is_refused(
    context: Context, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(folder, name, "Prompt,Story\nWrite.,Bo sleeps.\n")
    opened = Path.open

    def open_others(self: Path, *arguments: Any) -> Any:
        if self == path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return opened(self, *arguments)

    monkeypatch.setattr(Path, "open", open_others)
    with pytest.raises(ImportRefusedError, match=r"could not be read: Input/output error"):
        import_stories(context, path)

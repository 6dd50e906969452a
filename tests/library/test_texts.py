"""What becomes of a file of plain text or Markdown: the very text, or a sentence that says why not."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storaiteller.library.checks import MAX_TITLE
from storaiteller.library.texts import (
    FileRefusedError,
    Written,
    decode,
    one_line,
    read_markdown,
    read_text,
    title_of_name,
    write_markdown,
)
from storaiteller.library.values import MAX_TEXT_BYTES

ODD = "Once.\r\n\r\n“Upon”\ta time 🌙 \n\u00a0 é e\u0301\rend  \n\n"


# --- which bytes are text -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        ODD.encode(),
        codecs.BOM_UTF8 + ODD.encode(),
        codecs.BOM_UTF16_LE + ODD.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + ODD.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + ODD.encode("utf-32-le"),
    ],
    ids=["plain", "with a mark", "UTF-16 LE", "UTF-16 BE", "UTF-32 LE"],
)
def test_every_character_of_a_unicode_text_comes_through(raw: bytes) -> None:
    assert read_text("x.txt", raw).text == ODD


def test_what_an_old_editor_on_windows_saved_is_read() -> None:
    text = "“Café”, said Zoë — and left…\r\nThe bill was €3."
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize(
    "text", ["Жил-был старик со своею старухой", "むかしむかし、あるところに"], ids=["Russian", "Japanese"]
)
@pytest.mark.parametrize("encoding", ["koi8_r", "cp1251", "shift_jis"])
def test_another_encoding_is_refused_and_not_turned_into_nonsense(text: str, encoding: str) -> None:
    raw = text.encode(encoding, "ignore")
    if len(raw) > len(text) // 2:
        with pytest.raises(FileRefusedError, match="UTF-8"):
            decode(raw)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"%PDF-1.7\n1 0 obj", "a PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture"),
        (b"PK\x03\x04\x14\0", "a zip or a Word document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Word document"),
        (b"{\\rtf1\\ansi Once}", "Rich Text"),
        (b"Once\0upon", "control characters"),
        ("Once upon".encode("utf-16-le"), "control characters"),
        (bytes(range(1, 128)), "control characters"),
        (b"\xff\xfeO\0n\0c", "begins like a text in UTF-16"),
        (codecs.BOM_UTF8 + b"caf\xe9", "begins like a text in UTF-8"),
        (bytes(range(128, 256)) * 9, "UTF-8"),
        (b"caf\xe9 \x01\x02", "UTF-8"),
    ],
)
def test_what_is_no_text_is_refused_by_what_it_is(raw: bytes, said: str) -> None:
    with pytest.raises(FileRefusedError, match=said) as caught:
        read_text("story.txt", raw)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("raw", [b"", b" \r\n\t\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, "\u3000".encode()])
def test_a_file_without_a_word_is_refused(raw: bytes) -> None:
    for read in (read_text, read_markdown):
        with pytest.raises(FileRefusedError, match="no text in it"):
            read("story.txt", raw)


def test_three_megabytes_are_taken_and_more_than_any_story_is_not() -> None:
    long = "Once upon a time. " * 170_000
    assert read_text("long.txt", long.encode()).text == long
    with pytest.raises(FileRefusedError, match=r"4,000,001 bytes long, and a story may have 4,000,000"):
        read_text("longer.txt", b"x" * (MAX_TEXT_BYTES + 1))


# --- titles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("The fox.txt", "The fox"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\The fox.v2.txt", "The fox.v2"),
        ("a\r\nb\x00c.txt", "a b c"),
        (".txt", ".txt"),
        ("", ""),
        ("x" * 400 + ".txt", "x" * MAX_TITLE),
    ],
)
def test_a_text_is_titled_like_its_file(name: str, title: str) -> None:
    assert read_text(name, b"Once.").title == title == title_of_name(name)


@pytest.mark.parametrize(
    ("source", "title", "text"),
    [
        ("# The fox\n\nOnce.\n", "The fox", "Once.\n"),
        ("# The fox\r\n\r\nOnce.\r\n", "The fox", "Once.\r\n"),
        ("\n\n#  The fox  \nOnce.", "The fox", "Once."),
        ("# The fox\n\n\n\n  Once.", "The fox", "\n\n  Once."),
        ("Preface.\n\n# The fox\n\nOnce.", "The fox", "Preface.\n\n# The fox\n\nOnce."),
        ("## Part\n\n# The fox\nOnce.", "The fox", "## Part\n\n# The fox\nOnce."),
        ("#hashtag\nOnce.", "story", "#hashtag\nOnce."),
        ("```\n# no\n```\nOnce.", "story", "```\n# no\n```\nOnce."),
        ("Once.", "story", "Once."),
        ("# The fox", "The fox", "# The fox"),
        ("---\ntitle: The fox\n---\n\nOnce.", "The fox", "Once."),
        ('---\r\ntitle: "The \\"fox\\""\r\n---\r\nOnce.', 'The "fox"', "Once."),
        ("---\nTitle: 'It''s'\n...\nOnce.", "It's", "Once."),
        ("---\ntitle: A\ntags: [b]\n---\nOnce.", "A", "---\ntitle: A\ntags: [b]\n---\nOnce."),
        ("---\ntags: [b]\n---\n# The fox\nOnce.", "The fox", "---\ntags: [b]\n---\n# The fox\nOnce."),
        ("---\nOnce.\n---\n", "story", "---\nOnce.\n---\n"),
        ("--- title: no", "story", "--- title: no"),
    ],
)
def test_a_markdown_text_names_itself_and_stays_as_it_is(source: str, title: str, text: str) -> None:
    assert read_markdown("story.md", source.encode()) == Written(title, text)


@pytest.mark.parametrize("begin", ["# {}\n\n", "---\ntitle: {}\n---\n"])
def test_a_heading_leaves_the_text_only_if_the_title_has_all_of_it(begin: str) -> None:
    for length in (201, MAX_TITLE):
        title = "x" * (length - 2) + " y"
        assert read_markdown("x.md", f"{begin.format(title)}Once.".encode()) == Written(title, "Once.")
    longer = f"{begin.format('x' * MAX_TITLE + ' the end')}Once."
    assert read_markdown("x.md", longer.encode()) == Written("x" * MAX_TITLE, longer)


def test_the_longest_title_of_the_library_is_exported_whole() -> None:
    title = "x" * MAX_TITLE
    assert read_markdown("x.md", write_markdown(title, "Once.").encode()) == Written(title, "Once.")


one_line_titles = st.text(min_size=1, max_size=60).map(one_line).filter(bool)


@given(
    title=one_line_titles,
    text=st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\t# "),
        min_size=1,
    ).filter(str.strip),
)
def test_markdown_that_was_exported_comes_back_the_same(title: str, text: str) -> None:
    assert read_markdown("x.md", write_markdown(title, text).encode()) == Written(title, text)


def test_a_story_without_a_title_is_exported_without_a_heading() -> None:
    assert write_markdown(" \n", "Once.") == "Once."
    assert write_markdown("Two\nlines", "Once.") == "# Two lines\n\nOnce."


@pytest.mark.parametrize(
    "text", ["# a" + " " * 1_000_000 + "b", "---\n" * 300_000, "```\n" * 300_000, "#" + "\t" * 1_000_000]
)
def test_no_text_makes_the_search_for_a_title_slow(text: str) -> None:
    """An expression that tries every split of a run of spaces would take hours over the first."""
    assert read_markdown("x.md", text.encode()).text

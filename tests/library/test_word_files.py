"""What becomes of a Word document: its paragraphs and its emphasis, and nothing that could do harm."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import docx
import pytest
from docx.enum.text import WD_BREAK
from hypothesis import given, settings
from hypothesis import strategies as st

from storaiteller.library import word_packages
from storaiteller.library.checks import MAX_TITLE
from storaiteller.library.emphasis import Span, marked, spans_of
from storaiteller.library.texts import FileRefusedError, Written
from storaiteller.library.word_files import read_word, write_word

Change = Callable[[dict[str, bytes]], None]


def read(raw: bytes, name: str = "story.docx") -> Written:
    return read_word(name, io.BytesIO(raw))


def document(fill: Callable[[Any], None]) -> bytes:
    made = docx.Document()
    fill(made)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def changed(raw: bytes, change: Change) -> bytes:
    """A document with its parts changed by hand, as no word processor would."""
    with ZipFile(io.BytesIO(raw)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    change(parts)
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return file.getvalue()


def with_body(xml: str) -> bytes:
    """A document with these paragraphs."""

    def replace(parts: dict[str, bytes]) -> None:
        whole = parts["word/document.xml"].decode()
        parts["word/document.xml"] = re.sub(
            r"(<w:body>).*?(<w:sectPr)", rf"\1{xml}\2", whole, flags=re.S
        ).encode()

    return changed(document(lambda _: None), replace)


# --- reading --------------------------------------------------------------------------------------


def test_paragraphs_headings_breaks_tabs_and_emphasis_come_through() -> None:
    def fill(made: Any) -> None:
        made.add_paragraph("The fox", style="Title")
        made.add_heading("One", 1)
        paragraph = made.add_paragraph("A ")
        paragraph.add_run("red ").italic = True
        paragraph.add_run("fo").bold = True
        paragraph.add_run("x").bold = True
        paragraph.add_run("\tran")
        paragraph.add_run().add_break(WD_BREAK.LINE)
        both = paragraph.add_run("away")
        both.bold = both.italic = True
        made.add_paragraph("")
        made.add_heading("One and a half", 2)
        made.add_paragraph("Gone.").add_run(" Quite", style="Emphasis")

    text = "# One\n\nA *red* **fox**\tran\n***away***\n\n\n## One and a half\n\nGone. *Quite*"
    assert read(document(fill)) == Written("The fox", text)


def test_a_document_without_a_title_is_titled_like_its_file() -> None:
    raw = document(lambda made: made.add_paragraph("Once."))
    assert read(raw, "C:\\stories\\The fox.docx") == Written("The fox", "Once.")


def test_a_document_with_nothing_but_a_title_is_a_story_of_that() -> None:
    raw = document(lambda made: made.add_paragraph("The fox", style="Title"))
    assert read(raw) == Written("The fox", "The fox")


def test_tables_and_linked_words_are_text_too() -> None:
    def fill(made: Any) -> None:
        table = made.add_table(1, 2)
        table.cell(0, 0).text, table.cell(0, 1).text = "Left", "Right"

    assert read(document(fill)).text == "Left\n\nRight"
    link = "<w:hyperlink><w:r><w:t>there</w:t></w:r></w:hyperlink>"
    assert read(with_body(f"<w:p><w:r><w:t>See:</w:t></w:r>{link}</w:p>")).text == "See:there"


def test_footnotes_and_endnotes_stand_at_the_end_as_in_markdown() -> None:
    """They once were lost without a word."""

    def run(xml: str) -> str:
        return f"<w:r>{xml}</w:r>"

    def notes(kind: str, *texts: str) -> bytes:
        root = f'<w:{kind}s xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        each = [f'<w:{kind} w:id="0" w:type="separator"><w:p/></w:{kind}>']
        for number, text in enumerate(texts, start=2):
            mark = run(f"<w:{kind}Ref/>")
            parts = "".join(f"<w:p>{mark}{run(f'<w:t> {part}</w:t>')}</w:p>" for part in text.split("|"))
            each.append(f'<w:{kind} w:id="{number}">{parts}</w:{kind}>')
        return f"{root}{''.join(each)}</w:{kind}s>".encode()

    def add(parts: dict[str, bytes]) -> None:
        office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        for kind, texts in (("footnote", ("Of the sea.", "Never told.")), ("endnote", ("Long|and longer.",))):
            parts[f"word/{kind}s.xml"] = notes(kind, *texts)
            link = f'<Relationship Id="{kind}" Type="{office}/{kind}s" Target="{kind}s.xml"/></Relationships>'
            links = parts["word/_rels/document.xml.rels"].decode()
            parts["word/_rels/document.xml.rels"] = links.replace("</Relationships>", link).encode()

    refer = [run(f'<w:{kind}Reference w:id="{number}"/>') for kind, number in
             (("endnote", 2), ("footnote", 2), ("footnote", 99))]  # fmt: skip
    words = run("<w:t>A fox</w:t>"), run("<w:t> ran</w:t>")
    body = f"<w:p>{words[0]}{refer[0]}{words[1]}{refer[1]}{refer[2]}{refer[0]}</w:p>"
    text = "A fox[^1] ran[^2][^1]\n\n[^1]: Long\n\n    and longer.\n\n[^2]: Of the sea."
    assert read(changed(with_body(body), add)).text == text


def test_tracked_changes_read_as_accepted() -> None:
    """What was inserted is not among a paragraph's runs as python-docx tells them, and once was lost."""
    body = (
        '<w:p><w:r><w:t xml:space="preserve">A </w:t></w:r><w:del w:id="1" w:author="x"><w:r><w:delText>grey'
        "</w:delText><w:t>grey</w:t></w:r></w:del>"
        '<w:ins w:id="2" w:author="x"><w:r><w:t>red</w:t></w:r></w:ins></w:p>'
    )
    assert read(with_body(body)).text == "A red"


def test_what_stands_in_a_text_box_is_read_once() -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>In the box</w:t></w:r></w:p></w:txbxContent>"
    body = (
        '<w:p><w:r><w:t>Beside</w:t></w:r><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/'
        f'markup-compatibility/2006"><mc:Choice Requires="wps">{box}</mc:Choice>'
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert read(with_body(body)).text == "Beside\n\nIn the box"


def test_a_style_that_is_based_on_itself_ends() -> None:
    def circle(parts: dict[str, bytes]) -> None:
        style = (
            '<w:style w:type="paragraph" w:styleId="{0}"><w:name w:val="{0}"/>'
            '<w:basedOn w:val="{1}"/></w:style>'
        )
        both = style.format("A", "B") + style.format("B", "A") + "</w:styles>"
        parts["word/styles.xml"] = parts["word/styles.xml"].replace(b"</w:styles>", both.encode())

    body = with_body('<w:p><w:pPr><w:pStyle w:val="A"/></w:pPr><w:r><w:t>Once.</w:t></w:r></w:p>')
    assert read(changed(body, circle)).text == "Once."


# --- writing --------------------------------------------------------------------------------------

QUOTES = "“A” ‘b’ \"c\" 'd' «e» / \\ <f> & g"
letters = st.text(st.sampled_from("ab é🌙<&>\"'/\\#-_\t"), min_size=1, max_size=12)
lines = st.builds(
    lambda text, mark: marked([Span(text, *mark)]), letters, st.tuples(st.booleans(), st.booleans())
)
stories = st.lists(
    lines | st.sampled_from(["", "", "# One", "### Three *times*", "* * *", "***"]), max_size=12
)


@settings(max_examples=40)
@given(text=stories.map("\n".join).filter(str.strip))
@pytest.mark.slow
def test_what_was_exported_opens_with_the_same_paragraphs(text: str) -> None:
    assert read(write_word("The fox", text)) == Written("The fox", text)


def test_a_title_with_every_quote_and_a_slash_comes_back() -> None:
    assert read(write_word(QUOTES, "Once.")) == Written(QUOTES, "Once.")


def test_the_longest_title_comes_back_and_of_a_longer_one_every_word() -> None:
    title = "x" * MAX_TITLE
    assert read(write_word(title, "Once.")) == Written(title, "Once.")
    longer = f"{title} the end"

    def fill(word: Any) -> None:
        word.add_paragraph(longer, "Title")
        word.add_paragraph("Once.")

    assert read(document(fill)) == Written(title, f"{longer}\n\nOnce.")


def test_word_sees_real_headings_and_emphasis_and_nobody_elses_name() -> None:
    made = docx.Document(io.BytesIO(write_word("The fox", "# One\n\nA *red* **fox**\nran.")))
    assert [(each.style and each.style.name, each.text) for each in made.paragraphs] == [
        ("Title", "The fox"), ("Heading 1", "One"), ("Normal", "A red fox\nran."),
    ]  # fmt: skip
    styled = [(run.text, run.italic, run.bold) for run in made.paragraphs[2].runs if run.italic or run.bold]
    assert styled == [("red", True, None), ("fox", None, True)]
    about = made.core_properties
    assert (about.title, about.author, about.comments) == ("The fox", "", "")


def test_no_character_of_a_story_keeps_it_from_being_exported() -> None:
    every = "".join(map(chr, range(1, 0x300))) + "\u2028\ufffe\uffff\U0001f319"
    assert "é" in read(write_word(every, f"Once {every}")).text
    assert read(write_word("", "One\r\n\r\nTwo\rThree\x0bFour\x01")).text == "One\n\nTwo\nThree\nFour"


# --- emphasis -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "spans"),
    [
        ("a *b* c", [("a ", 0, 0), ("b", 0, 1), (" c", 0, 0)]),
        ("**a *b* c**", [("a ", 1, 0), ("b", 1, 1), (" c", 1, 0)]),
        ("**a *b***", [("a ", 1, 0), ("b", 1, 1)]),
        ("***a** b*", [("a", 1, 1), (" b", 0, 1)]),
        ("*a***b**", [("a", 0, 1), ("b", 1, 0)]),
        ("un*believ*able", [("un", 0, 0), ("believ", 0, 1), ("able", 0, 0)]),
        *(
            (line, [(line, 0, 0)])
            for line in ("* * *", "***", "*a", "a * b * c", "2 ** 3", "****a****", "a*", "**")
        ),
        ("*a **b*", [("a **b", 0, 1)]),
    ],
)
def test_stars_that_belong_together_are_emphasis(line: str, spans: list[tuple[str, int, int]]) -> None:
    assert spans_of(line) == [Span(text, bool(bold), bool(italic)) for text, bold, italic in spans]


@given(st.lists(st.tuples(st.text("ab ", min_size=1, max_size=4), st.booleans(), st.booleans()), max_size=6))
def test_emphasis_that_was_marked_is_found_again(parts: list[tuple[str, bool, bool]]) -> None:
    line = marked(Span(*part) for part in parts)
    assert marked(spans_of(line)) == line
    assert "".join(span.text for span in spans_of(line)) == "".join(text for text, _, _ in parts)


@pytest.mark.slow
def test_a_novel_of_lone_stars_is_read_in_one_pass() -> None:
    line = "*a **b " * 200_000
    assert spans_of(line) == [Span(line)]


# --- what is refused ------------------------------------------------------------------------------


def refusal(raw: bytes) -> str:
    with pytest.raises(FileRefusedError) as caught:
        read(raw)
    assert caught.value.message.endswith(".")
    return caught.value.message


def a_zip(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"%PDF-1.7 and so on",
        b"Once upon a time.",
        b"PK\x03\x04 cut short",
        a_zip(story=b"Once."),
        a_zip(**{"[Content_Types].xml": b"<Types/>"}),
        a_zip(**{"[Content_Types].xml": b"no xml"}),
        write_word("", "Once.")[:-30],
        write_word("", "Once.")[300:],
    ],
)
def test_what_is_no_word_document_is_refused(raw: bytes) -> None:
    assert refusal(raw) == word_packages.NO_WORD_FILE


def test_an_old_or_encrypted_document_is_told_from_others() -> None:
    assert refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)) == word_packages.OLD_WORD_FILE


def test_an_empty_document_is_refused() -> None:
    assert refusal(document(lambda made: made.add_paragraph(" \t"))) == "There is no text in it."


def call_it_docm(parts: dict[str, bytes]) -> None:
    kind = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = parts["[Content_Types].xml"]
    parts["[Content_Types].xml"] = types.replace(
        kind, b"application/vnd.ms-word.document.macroEnabled.main+xml"
    )


def add_macros(parts: dict[str, bytes]) -> None:
    parts["word/vbaProject.bin"] = b"\xd0\xcf\x11\xe0"


def declare_macros(parts: dict[str, bytes]) -> None:
    more = b'<Default Extension="x" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
    parts["[Content_Types].xml"] = (
        parts["[Content_Types].xml"].replace(b"</Types>", more).decode().encode("utf-8")
    )


@pytest.mark.parametrize("change", [call_it_docm, add_macros, declare_macros])
def test_a_document_with_macros_is_refused(change: Change) -> None:
    assert refusal(changed(write_word("", "Once."), change)) == word_packages.MACROS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_they_can_swell_or_fetch(encoding: str) -> None:
    def declare(parts: dict[str, bytes]) -> None:
        whole = parts["word/document.xml"].decode()
        start = whole.index("<w:document")
        entities = '<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b "&a;&a;&a;">]>'
        head = f'<?xml version="1.0" encoding="{encoding}"?>'
        parts["word/document.xml"] = (head + entities + whole[start:].replace("Once.", "&b;")).encode(
            encoding
        )

    assert refusal(changed(write_word("", "Once."), declare)) == word_packages.DOCUMENT_TYPE


def bomb(claimed: int | None) -> bytes:
    """A document whose text unpacks to a gigabyte, and may claim to be shorter."""
    block = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = block.compress(b" " * 2**20) + block.flush(zlib.Z_FULL_FLUSH)
    packed = piece * 1024 + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    size = 2**30 if claimed is None else claimed
    checksum = zlib.crc32(b" " * (claimed or 0))
    raw = write_word("", "Once.")
    with ZipFile(io.BytesIO(raw)) as package:
        parts = {name: package.read(name) for name in package.namelist() if name != "word/document.xml"}
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_STORED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
        package.writestr("word/document.xml", packed)
    written = bytearray(file.getvalue())
    with ZipFile(io.BytesIO(bytes(written))) as package:
        at = package.getinfo("word/document.xml").header_offset
    directory = written.rindex(b"word/document.xml") - 46
    for header, offset in ((at, 8), (directory, 10)):
        struct.pack_into("<H", written, header + offset, ZIP_DEFLATED)
        struct.pack_into("<LLL", written, header + offset + 6, checksum, len(packed), size)
    return bytes(written)


@pytest.mark.parametrize("claimed", [None, 100], ids=["honest", "lying"])
def test_a_document_that_unpacks_to_a_gigabyte_stays_packed(claimed: int | None) -> None:
    """The lying one has the size and the checksum of a hundred bytes; python-docx would unpack all of it."""
    raw = bomb(claimed)
    assert len(raw) < 2_000_000
    tracemalloc.start()
    try:
        said = refusal(raw)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    assert said == (word_packages.TOO_LARGE if claimed is None else word_packages.NO_WORD_FILE)


def test_a_document_of_tags_alone_is_refused_before_they_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(word_packages, "MAX_MARKUP", 100_000)
    assert read(with_body("<w:p/>" * 5_000 + "<w:p><w:r><w:t>Once.</w:t></w:r></w:p>")).text.endswith("Once.")
    assert refusal(with_body("<w:p/>" * 100_000)) == word_packages.TOO_LARGE


def test_pictures_are_not_unpacked() -> None:
    def add(parts: dict[str, bytes]) -> None:
        parts["word/media/image1.png"] = bytes(70 * 2**20)

    assert read(changed(write_word("", "Once."), add)).text == "Once."

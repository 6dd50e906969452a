"""What the page and other programs may rely on of ``/library``: files in and out."""

from __future__ import annotations

import io
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

import docx
import httpx
import pytest

from storaiteller.api.bodies import MAX_IMPORT_BYTES, MAX_LIBRARY_BODY_BYTES
from storaiteller.api.downloads import attachment, file_name
from storaiteller.api.library_files import _streamed
from storaiteller.config import Config
from storaiteller.library.word_files import write_word
from tests.fakes import scripted
from tests.library_rest import ID, MEGABYTES_3, ODD, QUOTES, exported, imported, made, told
from tests.rest import SETTINGS, assert_error, opened

# --- files in -------------------------------------------------------------------------------------


async def test_texts_markdown_and_word_documents_become_stories(http: httpx.AsyncClient) -> None:
    result = await imported(
        http,
        ("The fox.txt", ODD.encode()),
        ("C:\\stories\\hen.MD", b"# The hen\n\nOnce."),
        ("hare.docx", write_word(QUOTES, "# One\n\nA *red* hare.")),
    )
    assert (result["known"], result["refused"]) == (0, [])
    assert [each["title"] for each in result["taken"]] == ["The fox", "The hen", QUOTES]
    texts = [(await told(http, f"stories/{each['id']}"))["text"] for each in result["taken"]]
    assert texts == [ODD, "Once.", "# One\n\nA *red* hare."]
    [version] = (await told(http, f"stories/{result['taken'][0]['id']}/versions"))["versions"]
    assert version["reason"] == "import"


async def test_what_is_not_what_it_claims_is_named_and_the_others_are_taken(http: httpx.AsyncClient) -> None:
    bad = {
        "letter.docx": b"%PDF-1.7\n1 0 obj",
        "picture.txt": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        "empty.txt": b"",
        "white.md": b" \n\t\r\n",
        "old.zip": b"Rar!\x1a\x07",
        "book.pdf": b"%PDF-1.7",
        "macros.docm": b"PK",
        "no ending": b"Once.",
        "../../etc/passwd": b"root:x",
    }
    result = await imported(http, *bad.items(), ("fox.txt", b"Once."))
    assert [each["title"] for each in result["taken"]] == ["fox"]
    assert [each["name"] for each in result["refused"]] == [name.rpartition("/")[2] for name in bad]
    assert all(each["why"].endswith(".") for each in result["refused"])
    assert (await told(http, "stories"))["total"] == 1


async def test_the_same_file_adds_nothing_the_second_time(http: httpx.AsyncClient) -> None:
    first = await imported(http, ("fox.txt", b"Once."), ("hen.txt", b"Once."))
    again = await imported(http, ("fox.txt", b"Once."), ("hare.txt", b"Once."))
    assert (len(first["taken"]), len(again["taken"]), again["known"]) == (2, 1, 1)


@pytest.mark.parametrize("change", ["edited", "trashed"])
async def test_a_file_comes_again_when_its_story_is_no_longer_what_it_was(
    http: httpx.AsyncClient, change: str
) -> None:
    [story] = (await imported(http, ("fox.txt", b"Once.")))["taken"]
    if change == "edited":
        await told(http, f"stories/{story['id']}", "PUT", revision=1, text="Mine.")
    else:
        await told(http, f"stories/{story['id']}/trash", "POST")
    again = await imported(http, ("fox.txt", b"Once."))
    assert [each["excerpt"] for each in again["taken"]] == ["Once."]
    assert again["taken"][0]["id"] != story["id"]


async def test_a_text_of_three_megabytes_is_taken(http: httpx.AsyncClient) -> None:
    [story] = (await imported(http, ("long.txt", MEGABYTES_3.encode())))["taken"]
    assert (await told(http, f"stories/{story['id']}"))["text"] == MEGABYTES_3


async def test_a_text_longer_than_any_story_is_refused_with_both_numbers(http: httpx.AsyncClient) -> None:
    result = await imported(http, ("long.txt", b"x" * 9_000_000), ("longer.txt", b"x" * 17_000_000))
    assert [re.findall(r"[\d,]{6,}", each["why"]) for each in result["refused"]] == [
        ["9,000,000", "4,000,000"], ["16,000,004"],
    ]  # fmt: skip


async def test_only_an_import_may_be_large(http: httpx.AsyncClient) -> None:
    """The length alone is enough to refuse it: nothing is read."""
    for path, limit in (("/library/import", MAX_IMPORT_BYTES), ("/library/stories", MAX_LIBRARY_BODY_BYTES)):
        headers = {"content-length": str(limit + 1), "content-type": "multipart/form-data; boundary=x"}
        message = assert_error(await http.post(path, headers=headers, content=b""), 413, "too_large")
        assert f"{limit + 1:,} bytes" in message
        assert ("If it is a single zip, unpack it" in message) == (limit == MAX_IMPORT_BYTES)


@pytest.mark.parametrize(
    ("content_type", "content", "said"),
    [
        ("application/json", b"{}", "files is missing: one or more files"),
        ("multipart/form-data; boundary=x", b"--x--\r\n", "files is missing"),
        ("multipart/form-data", b"--x", "did not arrive whole"),
        ("multipart/form-data; boundary=x", b"Once upon a time.", "did not arrive whole"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nOnce.\r\n--x--\r\n',
            "must be one or more files",
        ),
    ],
)
async def test_a_body_without_files_is_refused(
    shared: httpx.AsyncClient, content_type: str, content: bytes, said: str
) -> None:
    headers = {"content-type": content_type}
    response = await shared.post("/library/import", headers=headers, content=content)
    assert response.status_code == 422, response.text
    assert said in response.json()["message"]


async def test_what_is_sent_besides_files_may_not_be_much(http: httpx.AsyncClient) -> None:
    """A part without a file name is held in memory, and there could be a thousand of a megabyte each."""
    one_file = {"files": ("fox.txt", b"Once.")}
    for fields in ({str(number): "x" for number in range(9)}, {"long": "x" * 5_000}):
        response = await http.post("/library/import", files=one_file, data=fields)
        assert "without a file name" in assert_error(response, 422, "invalid_request")
    assert (await told(http, "stories"))["total"] == 0


# --- files out ------------------------------------------------------------------------------------


async def test_a_story_goes_out_as_text_markdown_and_word(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, title="The fox", text=ODD)
    text = await exported(http, f"stories/{ID}/export?format=txt")
    assert (text.content, text.headers["content-type"]) == (ODD.encode(), "text/plain; charset=utf-8")
    markdown = await exported(http, f"stories/{ID}/export?format=md")
    assert markdown.content == f"# The fox\n\n{ODD}".encode()
    word = await exported(http, f"stories/{ID}/export?format=docx")
    assert word.headers["content-type"].endswith("wordprocessingml.document")
    paragraphs = [each.text for each in docx.Document(io.BytesIO(word.content)).paragraphs]
    assert paragraphs[:2] == ["The fox", "Once."]
    for response, ending in ((text, "txt"), (markdown, "md"), (word, "docx")):
        said = f"attachment; filename=\"The fox.{ending}\"; filename*=UTF-8''The%20fox.{ending}"
        assert response.headers["content-disposition"] == said
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_what_goes_out_comes_back_the_same(http: httpx.AsyncClient) -> None:
    text = "# One\n\nA *red* fox.\n\nIt ran\naway."
    await made(http, id=ID, title=QUOTES, text=text)
    files = [
        (f"x.{kind}", (await exported(http, f"stories/{ID}/export?format={kind}")).content)
        for kind in ("md", "docx")
    ]
    first, second = [(await imported(http, file)) for file in files]
    again = await told(http, f"stories/{first['taken'][0]['id']}")
    assert (again["title"], again["text"]) == (QUOTES, text)
    assert second["known"] == 1  # it is the very same


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The fox", "The fox.txt"),
        ("“A” 'b' \"c\" / \\ d", "“A” 'b' 'c' - - d.txt"),
        ("../../etc/passwd", "etc-passwd.txt"),
        ("a\r\nSet-Cookie: x=y\0", "a Set-Cookie- x=y.txt"),
        ("photo\u202egnp.exe", "photo gnp.exe.txt"),
        ("Été 🌙 春", "Été 🌙 春.txt"),
        ("CON", "CON_.txt"),
        ("com1.bak", "com1.bak_.txt"),
        ("", "story.txt"),
        (" ... ", "story.txt"),
        ("/", "story.txt"),
        ("春" * 300, "春" * 60 + ".txt"),
    ],
)
def test_a_title_makes_a_name_that_every_system_takes(title: str, name: str) -> None:
    assert file_name(title, ".txt") == name
    header = attachment(name)["content-disposition"]
    plain, _, exact = header.partition("; filename*=UTF-8''")
    assert unquote(exact) == name
    assert header.isascii()
    assert header.isprintable()
    assert re.fullmatch(r'attachment; filename="[^"\\%/]+\.txt"', plain)
    assert re.fullmatch(r"[A-Za-z0-9!#$&+.^_`|~%-]+", exact)


async def test_everything_goes_out_and_comes_back_into_an_empty_library(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    await made(http, id=ID, title=QUOTES, text=ODD, settings=SETTINGS, model="m", tags=["sea", "Été"])
    await told(http, f"stories/{ID}/versions", "POST", reason="named", name="first")
    await told(http, f"stories/{ID}", "PUT", revision=1, text="Once.")
    trashed = await made(http, text="Gone.")
    await told(http, f"stories/{trashed['id']}/trash", "POST")
    await made(http, title="Empty")
    response = await exported(http, "export")
    assert response.headers["content-type"] == "application/zip"
    assert re.search(
        r'filename="storaiteller-library-\d{4}-\d\d-\d\d\.zip"', response.headers["content-disposition"]
    )
    assert ZipFile(io.BytesIO(response.content)).testzip() is None
    empty = Config(data_dir=tmp_path / "another", browser=False, ollama_host="127.0.0.1:9")
    async with opened(empty, scripted()) as other:
        result = await imported(other, ("all.zip", response.content))
        assert (len(result["taken"]), result["known"], result["refused"]) == (3, 0, [])
        assert await everything(other) == await everything(http)


async def everything(http: httpx.AsyncClient) -> list[Any]:
    """All that a library tells, but for the revisions, which begin anew."""
    found = []
    for trash in ("false", "true"):
        for each in (await told(http, f"stories?sort=title&trash={trash}"))["stories"]:
            versions = (await told(http, f"stories/{each['id']}/versions"))["versions"]
            texts = [await told(http, f"stories/{each['id']}/versions/{one['number']}") for one in versions]
            found.append((await told(http, f"stories/{each['id']}") | {"revision": 1}, texts))
    return found


async def test_the_same_archive_changes_nothing_where_it_came_from(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    trashed = await made(http, text="Gone.")
    await told(http, f"stories/{trashed['id']}/trash", "POST")
    archive = ("all.zip", (await exported(http, "export")).content)
    before = await everything(http)
    assert await imported(http, archive) == {"taken": [], "known": 2, "favourites": 0, "refused": []}
    assert await everything(http) == before
    await told(http, f"stories/{ID}", "PUT", revision=1, text="Mine.")
    added = await imported(http, archive)
    assert ([each["excerpt"] for each in added["taken"]], added["known"]) == (["Once."], 1)
    assert await imported(http, archive) == {"taken": [], "known": 2, "favourites": 0, "refused": []}


async def test_an_archive_brings_back_what_is_in_the_trash_or_was_made_anew(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    await told(http, f"stories/{ID}/versions", "POST", reason="named", name="first")
    archive = ("all.zip", (await exported(http, "export")).content)
    before = await everything(http)
    await told(http, f"stories/{ID}/trash", "POST")
    result = await imported(http, archive)
    assert ([each["id"] for each in result["taken"]], result["known"]) == ([ID], 0)
    assert await everything(http) == before
    await told(http, f"stories/{ID}/trash", "POST")
    await told(http, "trash/empty", "POST")
    await made(http, id=ID, text="Once.")
    result = await imported(http, archive)
    assert ([each["id"] for each in result["taken"]], result["known"]) == ([ID], 0)
    assert len((await told(http, f"stories/{ID}/versions"))["versions"]) == 1
    assert await imported(http, archive) == {"taken": [], "known": 1, "favourites": 0, "refused": []}


async def test_a_bad_story_in_an_archive_is_named_with_the_archive(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, title="The fox", text="Once.")
    raw = (await exported(http, "export")).content
    changed = io.BytesIO()
    with ZipFile(io.BytesIO(raw)) as old, ZipFile(changed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(
                name, data.replace(b'"The fox"', b'"The\\nfox"') if name.startswith("stories/") else data
            )
    await told(http, f"stories/{ID}/trash", "POST")
    await told(http, "trash/empty", "POST")
    result = await imported(http, ("C:\\backup\\all.zip", changed.getvalue()), ("hen.txt", b"Once."))
    assert [each["name"] for each in result["refused"]] == ["The fox (all.zip)"]
    assert "one line" in result["refused"][0]["why"]
    assert [each["title"] for each in result["taken"]] == ["hen"]


async def test_who_stops_reading_an_export_lets_go_of_the_library() -> None:
    closed = []

    def pieces() -> Generator[bytes, None, None]:
        try:
            yield b"more"
            yield b"and more"
        finally:
            closed.append(True)

    rest = pieces()
    stream = _streamed(next(rest), rest)
    assert [await anext(stream), await anext(stream)] == [b"more", b"and more"]
    await stream.aclose()
    assert closed

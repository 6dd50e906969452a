"""What the page and other programs may rely on of ``/library``: stories, versions, trash, files."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Generator
from datetime import datetime
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
from tests.rest import SETTINGS, assert_error, opened

ID = "0123456789abcdef" * 2
NO_ID = "f" * 32
NO_IDS = ["x", ID.upper(), ID[:-1], f"{ID}0", f"{ID}\n", "g" * 32, "%2e%2e", "%2e%2e%2flibrary.db", "١" * 32]
ODD = "Once.\r\n\r\n“Upon”\ta time 🌙 \n\u00a0 e\u0301\rend  \n"
QUOTES = "“A” ‘b’ \"c\" 'd' «e» `f` / \\ ../..; filename=x"
MEGABYTES_3 = "むかしむかし🌙。" * 124_000


async def made(http: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    response = await http.post("/library/stories", json=values)
    assert response.status_code == 201, response.text
    story: dict[str, Any] = response.json()
    return story


async def told(http: httpx.AsyncClient, path: str, method: str = "GET", **values: Any) -> Any:
    response = await http.request(method, f"/library/{path}", json=values or None)
    assert response.status_code == 200, response.text
    return response.json()


async def imported(http: httpx.AsyncClient, *files: tuple[str, bytes]) -> dict[str, Any]:
    response = await http.post("/library/import", files=[("files", file) for file in files])
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


async def exported(http: httpx.AsyncClient, path: str) -> httpx.Response:
    response = await http.get(f"/library/{path}")
    assert response.status_code == 200, response.text
    return response


# --- stories --------------------------------------------------------------------------------------


async def test_a_story_is_kept_to_the_character(http: httpx.AsyncClient) -> None:
    story = await made(http, id=ID, title=QUOTES, text=ODD, settings=SETTINGS, model="m", tags=["sea", "Été"])
    assert story == await told(http, f"stories/{ID}")
    kept = {
        name: story[name] for name in ("id", "title", "text", "settings", "model", "revision", "trashed_at")
    }
    assert kept == {
        "id": ID, "title": QUOTES, "text": ODD, "settings": SETTINGS, "model": "m", "revision": 1,
        "trashed_at": None,
    }  # fmt: skip
    assert set(story["tags"]) == {"sea", "Été"}
    for name in ("created_at", "updated_at"):
        assert datetime.fromisoformat(story[name]).tzinfo is not None


async def test_the_list_tells_of_every_story_but_not_its_text(http: httpx.AsyncClient) -> None:
    for number in range(3):
        await made(http, title=f"Fox {number}", text="A red fox." if number else "A hen.", tags=["sea"])
    page = await told(http, "stories?query=red+fo&sort=title&limit=1&offset=1&tag=sea")
    assert [each["title"] for each in page["stories"]] == ["Fox 2"]
    assert "text" not in page["stories"][0]
    assert (page["total"], page["tags"]) == (2, [{"name": "sea", "stories": 3}])


async def test_a_save_tells_what_it_changed(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, title="Fox", text="Once.")
    saved = await told(http, f"stories/{ID}", "PUT", revision=1, text="Once upon a time.", tags=["sea"])
    assert list(saved) == ["id", "title", "revision", "words", "updated_at", "tags", "trashed_at"]
    assert (saved["id"], saved["title"], saved["revision"], saved["words"], saved["tags"]) == (
        ID, "Fox", 2, 4, ["sea"],
    )  # fmt: skip
    assert (await told(http, f"stories/{ID}"))["text"] == "Once upon a time."


async def test_a_save_tells_whether_the_story_came_out_of_the_trash(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    await told(http, f"stories/{ID}/trash", "POST")
    assert (await told(http, f"stories/{ID}", "PUT", revision=1, title="Fox"))["trashed_at"]
    assert (await told(http, f"stories/{ID}", "PUT", revision=2, text="Twice."))["trashed_at"] is None


async def test_a_save_over_another_one_is_refused_and_says_how_far_that_is(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    first = await told(http, f"stories/{ID}", "PUT", revision=1, text="Mine.")
    response = await http.put(f"/library/stories/{ID}", json={"revision": 1, "text": "Yours."})
    body = response.json()
    assert (response.status_code, body["code"], body["field"]) == (409, "conflict", None)
    assert body["message"].endswith(".")
    assert body["current"] == {"revision": 2, "updated_at": first["updated_at"]}
    assert (await told(http, f"stories/{ID}"))["text"] == "Mine."


async def test_a_story_sent_twice_is_added_once_and_another_one_under_its_id_is_not(
    http: httpx.AsyncClient,
) -> None:
    assert await made(http, id=ID, text="Once.") == await made(http, id=ID, text="Once.")
    response = await http.post("/library/stories", json={"id": ID, "text": "Twice."})
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


@pytest.mark.slow
async def test_three_megabytes_are_kept_as_they_are(http: httpx.AsyncClient) -> None:
    text = MEGABYTES_3
    story = await made(http, id=ID, text=text)
    assert story["text"] == text
    await told(http, f"stories/{ID}", "PUT", revision=1, text=f"{text}The end.")
    assert (await told(http, f"stories/{ID}"))["text"] == f"{text}The end."


# --- versions -------------------------------------------------------------------------------------


async def test_the_timeline_keeps_names_compares_and_restores(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="One.")
    first = await told(http, f"stories/{ID}/versions", "POST", reason="generation")
    assert (first["number"], first["reason"], first["name"]) == (1, "generation", None)
    await told(http, f"stories/{ID}", "PUT", revision=1, text="Two.")
    named = await told(http, f"stories/{ID}/versions/1", "PATCH", name=QUOTES)
    assert named["name"] == QUOTES
    assert (await told(http, f"stories/{ID}/versions/1"))["text"] == "One."
    restored = await told(http, f"stories/{ID}/versions/1/restore", "POST", revision=2)
    assert (restored["text"], restored["revision"]) == ("One.", 3)
    listed = (await told(http, f"stories/{ID}/versions"))["versions"]
    assert [(each["number"], each["reason"]) for each in listed] == [
        (3, "restore"), (2, "before_restore"), (1, "generation"),
    ]  # fmt: skip
    assert "text" not in listed[0]


async def test_of_two_restores_at_once_one_wins_and_the_other_is_told(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="One.")
    for revision, text in enumerate(("Two.", "Three."), start=1):
        await told(http, f"stories/{ID}/versions", "POST", reason="pause")
        await told(http, f"stories/{ID}", "PUT", revision=revision, text=text)
    both = await asyncio.gather(
        *(
            http.post(f"/library/stories/{ID}/versions/{number}/restore", json={"revision": 3})
            for number in (1, 2)
        )
    )
    won, lost = sorted(both, key=lambda response: response.status_code)
    assert (won.status_code, lost.status_code) == (200, 409)
    assert lost.json()["current"] == {"revision": 4, "updated_at": won.json()["updated_at"]}
    assert await told(http, f"stories/{ID}") == won.json()


# --- the trash ------------------------------------------------------------------------------------


async def test_a_story_is_deleted_only_from_the_trash(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    assert_error(await http.delete(f"/library/stories/{ID}"), 409, "not_in_trash")
    assert (await told(http, f"stories/{ID}/trash", "POST"))["trashed_at"]
    assert (await told(http, "stories"))["total"] == 0
    assert (await told(http, "stories?trash=true"))["total"] == 1
    assert (await told(http, f"stories/{ID}/untrash", "POST"))["trashed_at"] is None
    await told(http, f"stories/{ID}/trash", "POST")
    response = await http.delete(f"/library/stories/{ID}")
    assert (response.status_code, response.content) == (204, b"")
    assert_error(await http.get(f"/library/stories/{ID}"), 404, "no_story")


async def test_the_trash_is_emptied_and_the_rest_stays(http: httpx.AsyncClient) -> None:
    for text in ("One.", "Two.", "Three."):
        story = await made(http, text=text)
        if text != "Three.":
            await told(http, f"stories/{story['id']}/trash", "POST")
    assert await told(http, "trash/empty", "POST") == {"deleted": 2}
    assert [each["excerpt"] for each in (await told(http, "stories"))["stories"]] == ["Three."]


# --- bad input ------------------------------------------------------------------------------------

PATHS = [
    ("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/export?format=txt"), ("POST", "/trash"),
    ("POST", "/untrash"), ("GET", "/versions"), ("POST", "/versions"), ("GET", "/versions/1"),
    ("PATCH", "/versions/1"), ("POST", "/versions/1/restore"),
]  # fmt: skip
BODIES = {"": {"revision": 1}, "/versions": {"reason": "pause"}, "/versions/1": {"name": "x"}}


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_a_story_that_is_not_there_is_not_found(
    shared: httpx.AsyncClient, method: str, path: str
) -> None:
    body = BODIES.get(path, {"revision": 1}) if method in ("PUT", "POST", "PATCH") else None
    assert_error(await shared.request(method, f"/library/stories/{NO_ID}{path}", json=body), 404, "no_story")
    for no_id in ("x", ID.upper(), f"{ID}0"):
        response = await shared.request(method, f"/library/stories/{no_id}{path}", json=body)
        assert "32 characters" in assert_error(response, 422, "invalid_request", "id")


@pytest.mark.parametrize("no_id", NO_IDS)
async def test_what_is_no_id_finds_nothing(shared: httpx.AsyncClient, no_id: str) -> None:
    response = await shared.get(f"/library/stories/{no_id.replace(chr(10), '%0a')}")
    assert response.status_code in (404, 422)
    assert response.json()["code"] in ("not_found", "invalid_request")
    if "%" not in no_id:
        response = await shared.post("/library/stories", json={"id": no_id})
        assert "32 characters" in assert_error(response, 422, "invalid_request", "id")


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "said"),
    [
        ("POST", "stories", {"colour": "red"}, "colour", "not a field that is known"),
        ("POST", "stories", {"text": None}, "text", "must be text"),
        ("POST", "stories", {"text": "a\0b"}, "text", "NUL"),
        ("POST", "stories", {"text": "a \ud83d b"}, "text", "half of one that takes two"),
        ("POST", "stories", {"title": "two\nlines"}, "title", "one line"),
        ("POST", "stories", {"title": ["x"]}, "title", "must be one line of at most 300"),
        ("POST", "stories", {"title": "x" * 301}, "title", "300"),
        ("POST", "stories", {"tags": "sea"}, "tags", "must be a list of at most 50 tags"),
        ("POST", "stories", {"tags": [""]}, "tags", "at least one letter"),
        ("POST", "stories", {"settings": []}, "settings", "must be an object"),
        ("PUT", f"stories/{ID}", {}, "revision", "is missing"),
        ("PUT", f"stories/{ID}", {"revision": "1"}, "revision", "must be the revision"),
        ("PUT", f"stories/{ID}", {"revision": 0}, "revision", "must be the revision"),
        ("POST", f"stories/{ID}/versions", {"reason": "fun"}, "reason", "must be one of generation, rewrite"),
        ("POST", f"stories/{ID}/versions", {"reason": "named", "name": 7}, "name", "must be one line"),
        ("PATCH", f"stories/{ID}/versions/1", {}, "name", "is missing"),
        ("PATCH", f"stories/{ID}/versions/zero", {"name": "x"}, "number", "must be the number of a version"),
        ("GET", f"stories/{ID}/versions/0", None, "number", "must be the number of a version"),
        ("GET", f"stories/{ID}/export", None, "format", "is missing: one of txt, md, docx"),
        ("GET", f"stories/{ID}/export?format=pdf", None, "format", "must be one of txt, md, docx"),
        ("GET", "stories?sort=best", None, "sort", "must be one of updated, created, title, words"),
        ("GET", "stories?limit=1001", None, "limit", "must be a whole number from 0 to 1,000"),
        ("GET", "stories?offset=-1", None, "offset", "must be a whole number from 0"),
        ("GET", "stories?trash=perhaps", None, "trash", "must be true or false"),
    ],
)
async def test_a_bad_field_is_named_with_what_is_allowed(
    shared: httpx.AsyncClient, method: str, path: str, body: Any, field: str, said: str
) -> None:
    await made(shared, id=ID, text="Once.")
    content = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    response = await shared.request(method, f"/library/{path}", content=content, headers=headers)
    assert said in assert_error(response, 422, "invalid_request", field)


async def test_a_version_that_is_not_there_is_not_found(shared: httpx.AsyncClient) -> None:
    await made(shared, id=ID, text="Once.")
    assert_error(await shared.get(f"/library/stories/{ID}/versions/7"), 404, "no_version")


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


# --- a library that cannot be opened --------------------------------------------------------------


async def test_a_library_that_is_none_is_told_everywhere_and_keeps_nobody_from_writing(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    path = config.data_dir / "library.db"
    path.write_bytes(b"My shopping list\n" * 100)
    async with opened(config, scripted()) as http:
        assert "library.db" in caplog.text
        for method, address, body in (
            ("GET", "/library/stories", None),
            ("POST", "/library/stories", {"text": "Once."}),
            ("GET", f"/library/stories/{ID}", None),
            ("GET", f"/library/stories/{ID}/export?format=txt", None),
            ("GET", "/library/export", None),
            ("POST", "/library/trash/empty", None),
        ):
            message = assert_error(await http.request(method, address, json=body), 500, "library_failed")
            assert "damaged" in message
        response = await http.post("/library/import", files=[("files", ("fox.txt", b"Once."))])
        assert_error(response, 500, "library_failed")
        assert (await http.post("/setstory", json=SETTINGS)).status_code == 200
        assert path.read_bytes() == b"My shopping list\n" * 100
        path.unlink()
        assert (await made(http, text="Once."))["text"] == "Once."


async def test_the_page_of_the_library_is_there(http: httpx.AsyncClient) -> None:
    response = await http.get("/library")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" in response.text

"""Ollama's own folder: whose file a name means, and what cannot be used of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from storaiteller.errors import ModelMissingError, ModelUnusableError
from storaiteller.ollama_store import find_blob, stored_names, usual_folders
from tests.closed import closed, open_folder
from tests.ollama_folder import ADAPTER, DIGEST, MODEL, made_in, manifest, put


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_in(tmp_path)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("llama3.2", "host.example/library/llama3.2/latest"),
        ("llama3.2:latest", "host.example/library/llama3.2/latest"),
        ("llama3.2:1b-instruct-q4_K_M", "host.example/library/llama3.2/1b-instruct-q4_K_M"),
        ("somebody/fox", "host.example/somebody/fox/latest"),
        ("somebody/fox:1b", "host.example/somebody/fox/1b"),
        ("other.example/somebody/Fox-GGUF:Q4_K_M", "other.example/somebody/Fox-GGUF/Q4_K_M"),
    ],
)
def test_a_blob_is_found_by_the_name_ollama_knows_it_by(folder: Path, name: str, place: str) -> None:
    put(folder, "host.example/library/other/latest", manifest(MODEL, digest="sha256:other"))
    put(folder, place, manifest("application/vnd.ollama.image.template", MODEL))
    assert find_blob(name, [folder / "nothing-here", folder]) == folder / "blobs" / DIGEST.replace(":", "-")


@pytest.mark.parametrize("name", ["llama3.2", "llama3.2:70b", "somebody/fox"])
def test_a_model_ollama_does_not_have_is_missing_and_the_folders_are_named(folder: Path, name: str) -> None:
    put(folder, "host.example/library/llama3.2/1b", manifest(MODEL))
    with pytest.raises(ModelMissingError) as missing:
        find_blob(name, [folder])
    assert f"ollama pull {name}" in missing.value.message
    assert str(folder) in missing.value.message
    assert "OLLAMA_MODELS" in missing.value.message


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../fox",
        "fox/..",
        "fox:..",
        "fox:../latest",
        "/etc/passwd",
        "a/b/c/d",
        "fox:a:b",
        "fo*",
        "f?x",
        "[a-z]",
        "fox\n",
        "fox\0",
        "**/fox",
    ],
)
def test_a_name_is_never_a_path_or_a_pattern(folder: Path, name: str) -> None:
    put(folder, "host.example/library/fox/latest", manifest(MODEL))
    with pytest.raises(ModelMissingError, match="is not the name of an Ollama model"):
        find_blob(name, [folder])


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"layers": null}',
        b'{"layers": [7]}',
        b'{"layers": []}',
        b'{"layers": [{"mediaType": "application/vnd.ollama.image.model"}]}',
        manifest("application/vnd.ollama.image.template").encode(),
    ],
)
def test_a_manifest_that_cannot_be_read_is_unusable(folder: Path, garbage: bytes) -> None:
    put(folder, "host.example/library/fox/latest", garbage)
    with pytest.raises(ModelUnusableError, match="Ollama's notes on fox"):
        find_blob("fox", [folder])


def test_a_model_with_an_adapter_is_not_run_without_it(folder: Path) -> None:
    put(folder, "host.example/library/fox/latest", manifest(MODEL, ADAPTER))
    with pytest.raises(ModelUnusableError, match="--engine ollama"):
        find_blob("fox", [folder])


@pytest.mark.parametrize("digest", ["sha256:bbb", "..", "../../secret", "/etc/passwd", "../manifests"])
def test_a_blob_that_is_gone_or_elsewhere_is_missing(folder: Path, digest: str) -> None:
    (folder.parent / "secret").write_bytes(b"GGUF")
    put(folder, "host.example/library/fox/latest", manifest(MODEL, digest=digest))
    with pytest.raises(ModelMissingError, match="The file of fox is gone"):
        find_blob("fox", [folder])


def test_the_usual_folders_are_the_persons_and_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert list(map(str, usual_folders())) == ["/home/ada/.ollama/models", "/usr/share/ollama/.ollama/models"]


def test_a_folder_that_is_closed_is_named_with_the_way_to_open_it() -> None:
    with open_folder() as home:
        folder = home / "ollama" / "models"
        put(folder, "host.example/library/fox/latest", manifest(MODEL))
        assert stored_names([folder]) == ["fox"]
        with closed(folder.parent):
            assert stored_names([folder]) == []
            with pytest.raises(ModelMissingError) as missing:
                find_blob("fox", [folder])
        told = missing.value.message
        assert f"sudo chmod a+x {folder.parent} && sudo chmod -R a+rX {folder}" in told
        with closed(folder / "manifests"), pytest.raises(ModelMissingError, match=r"chmod -R a\+rX"):
            find_blob("fox", [folder])


def test_a_closed_folder_hides_no_other_one() -> None:
    with open_folder() as home:
        service, own = home / "service", home / "own"
        (service / "manifests").mkdir(parents=True)
        put(own, "host.example/library/fox/latest", manifest(MODEL))
        blob = own / "blobs" / DIGEST.replace(":", "-")
        blob.parent.mkdir()
        blob.write_bytes(b"GGUF")
        with closed(service):
            assert find_blob("fox", [service, own]) == blob


def test_a_blob_that_may_not_be_read_is_missing_and_the_folder_is_named() -> None:
    with open_folder() as folder:
        put(folder, "host.example/library/fox/latest", manifest(MODEL))
        blob = folder / "blobs" / DIGEST.replace(":", "-")
        blob.parent.mkdir()
        blob.write_bytes(b"GGUF")
        for shut in (blob, blob.parent):
            with closed(shut), pytest.raises(ModelMissingError, match=f"are in {folder}, which you may not"):
                find_blob("fox", [folder])

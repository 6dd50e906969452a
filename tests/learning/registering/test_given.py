"""A version is given to an Ollama server; if it is not taken, it stands, and a note says what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from finetune.context import Context
from finetune.errors import NoRoomError
from finetune.ollama.modelfile_text import parse
from finetune.register import register
from finetune.runs import Manifest, Run
from storaiteller.config import Config, EngineChoice
from tests.fake_ollama import (
    Cut,
    FakeModel,
    FakeOllama,
    Reply,
    ThreadedFakeOllama,
    done,
    error,
    tell_a_story,
    word,
)
from tests.learning.exam import Heard
from tests.learning.registering.made import ADAPTER, TEMPLATE, a_run, heard, modelfile, paths, versions

pytestmark = pytest.mark.slow


# Ollama takes it


def test_a_server_that_takes_adapters_gets_the_adapter_beside_its_own_base(
    context: Context, run: Run, fake: FakeOllama
) -> None:
    fake.version = "0.34.0"
    made = register(context, run)
    assert made.metrics == {
        "version": "v1",
        "ollama": "storaiteller:v1",
        "ollama_note": "Ollama serves it as storaiteller:v1.",
        "merged": False,
    }
    assert versions(context)[0].ollama == "storaiteller:v1"
    (digest,) = fake.blobs
    assert fake.models["storaiteller:v1"].created == {
        "model": "storaiteller:v1",
        "from": "llama3.2",
        "adapters": {"adapter.gguf": digest},
        "parameters": {"stop": ["<|eot_id|>"], "temperature": 0.8, "num_ctx": 8_192},
        "stream": True,
    }
    assert parse(modelfile(run)) == [
        ("from", "llama3.2"),
        ("adapter", str(context.registry.adapter("v1").resolve())),
        ("stop", "<|eot_id|>"),
        ("temperature", "0.8"),
        ("num_ctx", "8192"),
    ]


def test_a_newer_server_gets_one_merged_file_that_is_removed_here(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    fake.version = "0.34.1"
    made = register(context, run)
    assert (made.metrics["ollama"], made.metrics["merged"]) == ("storaiteller:v1", True)
    assert not merged[0].exists()
    (digest,) = fake.blobs
    assert fake.models["storaiteller:v1"].created == {
        "model": "storaiteller:v1",
        "files": {"storaiteller.gguf": digest},
        "template": TEMPLATE,
        "system": "Write.",
        "license": "MIT",
        "parameters": {"stop": ["<|eot_id|>"], "temperature": 0.8, "num_ctx": 8_192},
        "stream": True,
    }
    assert ("from", str(merged[0])) in parse(modelfile(run))
    assert "modelfiles/README.md" in modelfile(run)


def test_where_the_server_keeps_its_files_here_the_modelfile_starts_from_its_own(
    context: Context, run: Run, fake: FakeOllama, base_file: Path, merged: list[Path]
) -> None:
    blob = base_file.with_name("sha256-aa")
    blob.write_bytes(b"GGUF")

    def show(body: dict[str, Any]) -> Reply:
        if body["model"] == "storaiteller:v1":
            return Reply([{"modelfile": f"# made by us\nFROM {blob}\n", "model_info": {}}])
        return fake._show(body)

    fake.replies["/api/show"] = show
    register(context, run)
    assert ("from", str(blob)) in parse(modelfile(run))
    assert "modelfiles/README.md" not in modelfile(run)


def test_a_server_that_refuses_adapters_against_its_version_gets_the_merged_file(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    fake.version, fake.takes_adapters = "0.33.2", False
    made = register(context, run)
    assert (made.metrics["ollama"], made.metrics["merged"]) == ("storaiteller:v1", True)
    assert any("no longer supported" in line for line in heard(context).said)


def test_an_adapter_that_the_server_takes_and_cannot_load_is_merged(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    """Some architectures' runners in Ollama take an adapter at creation and refuse it at loading."""
    fake.version = "0.12.0"

    def chat(body: dict[str, Any]) -> Reply:
        model = fake.models[f"{body['model']}" if ":" in body["model"] else f"{body['model']}:latest"]
        if "adapters" in model.created:
            return error("loras are not yet implemented", 500)
        return tell_a_story(body, model.story)

    fake.chat_script = chat
    made = register(context, run)
    assert (made.metrics["ollama"], made.metrics["merged"]) == ("storaiteller:v1", True)


def test_an_embedded_model_is_given_to_a_server_that_answers(
    tmp_path: Path, fake: FakeOllama, base_file: Path, merged: list[Path]
) -> None:
    fake.version = "0.30.0"
    config = Config(data_dir=tmp_path / "data", ollama_host=fake.url, model=str(base_file))
    context = Context(config, tell=Heard())
    run = a_run(context)
    made = register(context, run)
    assert (made.metrics["ollama"], made.metrics["merged"]) == ("storaiteller:v1", True)
    assert fake.models["storaiteller:v1"].created["parameters"] == {"temperature": 0.8, "num_ctx": 8_192}
    assert "template" not in fake.models["storaiteller:v1"].created
    assert {request.body["model"] for request in fake.asked("/api/chat")} == {"storaiteller:v1"}


def test_a_file_that_the_server_has_is_not_sent_again(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    fake.create_script = error("busy", 503)
    register(context, run)
    fake.create_script = fake._create
    register(context, run)
    assert paths(fake).count("HEAD /api/blobs/sha256") == 2
    assert paths(fake).count("POST /api/blobs/sha256") == 1


def test_the_upload_tells_how_far_it_is(context: Context, run: Run, merged: list[Path]) -> None:
    register(context, run)
    size = float(len(b"GGUF the base" + ADAPTER))
    assert ("Sending what was learned to Ollama", size, size) in heard(context).told


@pytest.mark.parametrize(
    ("given", "parameters", "window", "stated"),
    [
        (None, "", 131_072, 8_192),
        (None, "num_ctx    16384", 131_072, 16_384),
        (None, "", 2_048, 2_048),
        (4_096, "num_ctx    16384", 131_072, 4_096),
        (200_000, "", 131_072, 131_072),
    ],
)
def test_the_window_stated_is_the_writers_else_the_bases_else_ours_and_never_too_large(
    tmp_path: Path,
    fake: FakeOllama,
    merged: list[Path],
    given: int | None,
    parameters: str,
    window: int,
    stated: int,
) -> None:
    base = fake.models["llama3.2:latest"]
    base.parameters, base.context_length = parameters, window
    context = Context(Config(data_dir=tmp_path / "data", ollama_host=fake.url, context=given), tell=Heard())
    register(context, a_run(context))
    assert fake.models["storaiteller:v1"].created["parameters"]["num_ctx"] == stated


def test_it_is_tried_with_a_held_out_prompt_first(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    register(context, run)
    first = fake.asked("/api/chat")[0].body
    assert first["model"] == "storaiteller:v1"
    assert "Mina" in first["messages"][0]["content"]
    assert (first["options"]["temperature"], first["options"]["num_predict"]) == (0, 48)


# Ollama does not take it: the version stands, and the note says what to do


def stands_without_ollama(context: Context, run: Run, made: Manifest, *words: str) -> None:
    assert made.metrics["version"] == "v1"
    assert made.metrics["ollama"] is None
    assert versions(context)[0].ollama is None
    for expected in (*words, f"storaiteller-finetune register --run {run.id}"):
        assert expected in made.metrics["ollama_note"]
    assert context.registry.adapter("v1").read_bytes() == ADAPTER
    assert not list(run.folder.rglob("merged.gguf"))


def test_without_a_server_the_note_says_how_to_start_one(
    server: ThreadedFakeOllama, tmp_path: Path, base_file: Path, merged: list[Path]
) -> None:
    server.call(server.fake.stop)
    config = Config(data_dir=tmp_path / "data", ollama_host=server.url, model=str(base_file))
    context = Context(config, tell=Heard())
    run = a_run(context)
    stands_without_ollama(context, run, register(context, run), "No Ollama server answered")
    assert merged == []
    assert [name for name, _ in parse(modelfile(run))] == ["from", "temperature", "num_ctx"]


def test_an_app_that_keeps_to_itself_asks_no_server(
    tmp_path: Path, fake: FakeOllama, base_file: Path, merged: list[Path]
) -> None:
    config = Config(
        data_dir=tmp_path / "data",
        ollama_host=fake.url,
        engine=EngineChoice.EMBEDDED,
        model=str(base_file),
    )
    context = Context(config, tell=Heard())
    made = register(context, a_run(context))
    assert made.metrics["ollama"] is None
    assert "runs its models itself" in made.metrics["ollama_note"]
    assert fake.requests == []


def test_a_disk_that_is_full_over_there_is_said(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    fake.room = 10
    stands_without_ollama(context, run, register(context, run), "full", "make room")


def test_a_full_disk_is_not_met_with_a_larger_file(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    fake.room, fake.version = 10, "0.30.0"
    stands_without_ollama(context, run, register(context, run), "make room")
    assert merged == []


def test_a_server_that_dies_in_mid_upload_is_said(
    context: Context, run: Run, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch, merged: list[Path]
) -> None:
    monkeypatch.setattr("finetune.ollama.models._BLOCK", 4)
    fake.cut_after = 8
    stands_without_ollama(context, run, register(context, run), "in the middle of the upload", "full disk")


def test_a_create_that_never_appears_is_a_failure(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    fake.create_script = Reply([{"status": "writing manifest"}, {"status": "success"}])
    stands_without_ollama(context, run, register(context, run), "not in its list")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(error("invalid model", 400), "invalid model", id="refused"),
        pytest.param(Reply([{"status": "x"}, {"error": "unexpected EOF"}]), "unexpected EOF", id="half way"),
        pytest.param(Reply([{"status": "x"}]), "broke off", id="a close without success"),
        pytest.param(Reply([{"status": "x"}, Cut()]), "hung up", id="a cut"),
        pytest.param(Reply([b"<html>\n"]), "does not speak like Ollama", id="no JSON"),
        pytest.param(Reply([b"[1]\n"]), "does not speak like Ollama", id="a list"),
        pytest.param(
            Reply([{"error": "write /models/x: no space left on device"}]), "make room", id="a full disk"
        ),
    ],
)
def test_a_create_that_fails_says_why(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path], reply: Reply, words: str
) -> None:
    fake.create_script = reply
    stands_without_ollama(context, run, register(context, run), words)


@pytest.mark.parametrize(
    ("chat", "words"),
    [
        pytest.param(error("model failed to load", 500), "failed to load", id="it does not load"),
        pytest.param(Reply([word(" "), done()]), "answers with nothing", id="it says nothing"),
        pytest.param(Reply([word("Once"), done()]), "exactly as llama3.2", id="it says the same"),
        pytest.param(Reply([word("Once")]), "broke off", id="it stops in the middle"),
    ],
)
def test_a_model_that_does_not_serve_is_taken_away_again(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path], chat: Reply, words: str
) -> None:
    fake.chat_script = chat
    stands_without_ollama(context, run, register(context, run), words)
    assert "storaiteller:v1" not in fake.models


def test_a_model_of_that_name_which_we_did_not_make_is_left_alone(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    theirs = fake.models["storaiteller:v1"] = FakeModel()
    made = register(context, run)
    stands_without_ollama(context, run, made, "left alone", "ollama cp")
    assert fake.models["storaiteller:v1"] is theirs


def test_a_model_that_we_began_to_make_before_a_crash_is_made_anew(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    fake.chat_script = error("killed", 500)
    register(context, run)
    fake.models["storaiteller:v1"] = FakeModel()
    fake.chat_script = tell_a_story
    assert register(context, run).metrics["ollama"] == "storaiteller:v1"


def test_registering_again_tries_only_ollama_again(
    context: Context, run: Run, fake: FakeOllama, tried: list[Any], merged: list[Path]
) -> None:
    fake.create_script = error("busy", 503)
    assert register(context, run).metrics["ollama"] is None
    fake.create_script = fake._create
    made = register(context, run)
    assert (made.metrics["version"], made.metrics["ollama"]) == ("v1", "storaiteller:v1")
    assert versions(context)[0].ollama == "storaiteller:v1"
    assert len(tried) == len(versions(context)) == 1


def test_a_disk_that_fills_during_the_merge_costs_only_ollama(
    context: Context, run: Run, merged: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(base: Path, adapter: Path, out: Path, **_: Any) -> None:
        out.write_bytes(b"half")
        raise NoRoomError("The disk is too full to merge: 2 GB are needed.")

    monkeypatch.setattr(sys.modules["finetune.gguf_merge"], "merge", full)
    stands_without_ollama(context, run, register(context, run), "too full to merge")


def test_three_quotation_marks_in_the_bases_template_reach_ollama_as_they_are(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    odd = '{{ .Prompt }}"""\nADAPTER /etc/passwd\n"""'
    fake.models["llama3.2:latest"].template = odd
    register(context, run)
    assert fake.models["storaiteller:v1"].created["template"] == odd
    assert "adapter" not in dict(parse(modelfile(run)))


def test_a_base_file_with_an_odd_name_is_no_trouble(
    tmp_path: Path, fake: FakeOllama, base_file: Path, merged: list[Path]
) -> None:
    odd = base_file.rename(tmp_path / 'My "best" model\nFROM evil #1 月.gguf')
    config = Config(data_dir=tmp_path / "data", ollama_host=fake.url, model=str(odd))
    context = Context(config, tell=Heard())
    run = a_run(context)
    assert register(context, run).metrics["ollama"] == "storaiteller:v1"
    assert [value for name, value in parse(modelfile(run)) if name == "from"] == [str(merged[0])]

"""What was learned becomes a version that stands, whatever Ollama makes of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import gguf
import numpy as np
import pytest

from finetune import register as registering
from finetune.base import resolve
from finetune.context import Context
from finetune.errors import NoRoomError, RegisterError, StageMissingError, TrainingFailedError
from finetune.ollama.modelfile_text import parse
from finetune.ollama.models import OllamaModels, full_name, takes_adapters
from finetune.ollama.tidy import tidy
from finetune.promote import promote
from finetune.register import forget, point_alias, register
from finetune.runs import Manifest, Run
from finetune.tryout import try_out
from storaiteller.config import Config, EngineChoice
from storaiteller.engines.llama_probe import LlamaProbe
from storaiteller.engines.ollama_wire import Patience
from storaiteller.errors import ModelUnusableError, RegistryError
from storaiteller.registry import Version
from storaiteller.story import Message
from tests.fake_ollama import (
    STORY,
    TUNED_STORY,
    Cut,
    FakeModel,
    FakeOllama,
    Reply,
    Silence,
    ThreadedFakeOllama,
    done,
    error,
    tell_a_story,
    word,
)
from tests.learning.exam import against_base, good_metrics, tried_run

pytestmark = pytest.mark.slow

SETTINGS = {"genre": "Gothic", "register": "Vivid", "max_words": 90, "characters": ["Mina"]}
HELD_OUT = {"story_id": "h", "prompt_tokens": [1, 2, 3], "story_tokens": [4, 5], "settings": SETTINGS}
TRAINED = {"story_id": "t", "prompt_tokens": [1, 2], "story_tokens": [6], "settings": None}
ADAPTER = b"GGUF what was learned"
PARAMETERS = 'stop                           "<|eot_id|>"\ntemperature                    0.1'
TEMPLATE = "<|user|>{{ .Prompt }}<|end|>"


@dataclass
class Told:
    """Hears what a stage says, and how far it was."""

    lines: list[str] = field(default_factory=list)
    steps: list[tuple[str, float, float]] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        self.lines.append(sentence)

    def progress(self, what: str, done: float, total: float) -> None:
        self.steps.append((what, done, total))


@pytest.fixture
def server() -> Iterator[ThreadedFakeOllama]:
    with FakeOllama.in_thread() as handle:
        yield handle


@pytest.fixture
def fake(server: ThreadedFakeOllama, base_file: Path) -> FakeOllama:
    """A server that has ``llama3.2`` from a file on this machine."""
    server.fake.models["llama3.2:latest"] = FakeModel(
        modelfile=f"FROM {base_file}\n",
        template=TEMPLATE,
        parameters=PARAMETERS,
        system="Write.",
        license="MIT",
    )
    return server.fake


@pytest.fixture
def base_file(tmp_path: Path) -> Path:
    path = tmp_path / "base.gguf"
    path.write_bytes(b"GGUF the base")
    return path


@pytest.fixture
def context(tmp_path: Path, fake: FakeOllama) -> Context:
    return Context(Config(data_dir=tmp_path / "data", ollama_host=fake.url), tell=Told())


@pytest.fixture
def run(context: Context) -> Run:
    return a_run(context)


@pytest.fixture(autouse=True)
def tried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path]]:
    """Unless it is a test with a model: what was tried in the app's engine, where it only has to load."""
    seen: list[tuple[Path, Path]] = []
    if request.node.get_closest_marker("model") is None:

        def engine(base: Path, adapter: Path, examples: Any, **_: Any) -> None:
            assert [list(prompt) for prompt, _ in examples] == [[1, 2, 3], [1, 2]]
            seen.append((base, adapter))

        monkeypatch.setattr(registering, "try_out", engine)
    return seen


@pytest.fixture
def merged(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A merge in a moment; the list tells where the files were written."""
    made: list[Path] = []

    def merge(base: Path, adapter: Path, out: Path, **_: Any) -> None:
        out.write_bytes(base.read_bytes() + adapter.read_bytes())
        made.append(out)

    module = ModuleType("finetune.gguf_merge")
    module.merge = merge  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "finetune.gguf_merge", module)
    return made


def a_run(context: Context, adapter: bytes = ADAPTER) -> Run:
    """A run whose earlier stages are whole."""
    run = context.runs.create()
    dataset, train, convert = (run.stage(name) for name in ("dataset", "train", "convert"))
    for stage in (dataset, train, convert):
        stage.begin("x")
    (dataset.folder / "held_out.jsonl").write_text(json.dumps(HELD_OUT) + "\n")
    (dataset.folder / "train.jsonl").write_text(json.dumps(TRAINED) + "\n")
    ids = {"train_ids": ["t"], "held_out_ids": ["h"], "base": resolve(context).sha256}
    dataset.finish("x", {"train": "train.jsonl", "held_out": "held_out.jsonl"}, ids)
    peft = train.folder / "epoch-2"
    peft.mkdir()
    (peft / "adapter_config.json").write_text("{}")
    (peft / "adapter_model.safetensors").write_bytes(b"tensors")
    (peft / "optimizer.bin").write_bytes(b"not needed later")
    train.finish("x", {"adapter": "epoch-2"}, {})
    (convert.folder / "adapter.gguf").write_bytes(adapter)
    convert.finish("x", {"adapter": "adapter.gguf"}, {})
    return run


def versions(context: Context) -> list[Version]:
    return list(context.registry.read().versions)


def told(context: Context) -> Told:
    assert isinstance(context.tell, Told)
    return context.tell


def paths(fake: FakeOllama) -> list[str]:
    return [f"{request.method} {request.path.split(':')[0]}" for request in fake.requests]


def modelfile(run: Run) -> str:
    return run.output("register", "modelfile").read_text()


# The version itself


def test_a_version_holds_all_that_it_needs_later(context: Context, run: Run, merged: list[Path]) -> None:
    made = register(context, run)
    (version,) = versions(context)
    assert (version.name, version.run_id, version.status) == ("v1", run.id, "candidate")
    assert (version.trained_on, version.held_out, version.parent) == (("t",), ("h",), None)
    assert (version.base.model_id, version.base.size_bytes) == ("ollama/llama3.2", 13)
    folder = context.registry.folder("v1")
    assert context.registry.adapter("v1").read_bytes() == ADAPTER
    assert {path.name: path.read_bytes() for path in (folder / "peft").iterdir()} == {
        "adapter_config.json": b"{}",
        "adapter_model.safetensors": b"tensors",
    }
    assert made.metrics["version"] == "v1"
    assert context.registry.read().active is None


def test_a_version_descends_from_the_one_that_writes_on_the_same_base(
    context: Context, merged: list[Path]
) -> None:
    register(context, a_run(context))
    context.registry.activate("v1")
    register(context, a_run(context, b"GGUF another night"))
    context.registry.update("v1", base=versions(context)[0].base.model_copy(update={"sha256": "0" * 64}))
    register(context, a_run(context, b"GGUF a third night"))
    assert [version.parent for version in versions(context)] == [None, "v1", None]


def test_a_run_registered_twice_is_one_version(
    context: Context, run: Run, fake: FakeOllama, tried: list[Any], merged: list[Path]
) -> None:
    first = register(context, run)
    fake.requests.clear()
    assert register(context, run) == first
    assert len(versions(context)) == 1
    assert len(tried) == len(merged) == 1
    assert {"POST /api/create", "POST /api/blobs/sha256"}.isdisjoint(paths(fake))


def test_killed_between_version_and_manifest_the_version_is_found_again(
    context: Context, run: Run, tried: list[Any], merged: list[Path]
) -> None:
    register(context, run)
    (run.stage("register").folder / "manifest.json").unlink()
    made = register(context, run)
    assert made.metrics["version"] == "v1"
    assert len(versions(context)) == len(tried) == 1


def test_killed_while_its_folder_was_filled_the_next_one_takes_the_name(
    context: Context, run: Run, merged: list[Path]
) -> None:
    torn = context.registry.folder("v1") / "peft"
    torn.mkdir(parents=True)
    (torn / "half.safetensors").write_bytes(b"torn")
    register(context, run)
    assert not (torn / "half.safetensors").exists()
    assert context.registry.adapter("v1").read_bytes() == ADAPTER


def test_another_adapter_of_the_same_run_is_another_version(
    context: Context, run: Run, merged: list[Path]
) -> None:
    register(context, run)
    run.output("convert", "adapter").write_bytes(b"GGUF trained again")
    register(context, run)
    assert [version.run_id for version in versions(context)] == [run.id, run.id]


@pytest.mark.parametrize("failure", [ModelUnusableError("no"), TrainingFailedError("no")])
def test_what_the_apps_engine_cannot_write_with_is_never_registered(
    context: Context,
    run: Run,
    fake: FakeOllama,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(registering, "try_out", refuse)
    with pytest.raises(type(failure)):
        register(context, run)
    assert versions(context) == []
    assert not context.registry.folder("v1").exists()
    assert "POST /api/blobs/sha256" not in paths(fake)


def test_a_full_disk_leaves_no_version_and_says_how_much_is_needed(
    context: Context, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("finetune.version_folder.shutil.copyfileobj", full)
    with pytest.raises(NoRoomError, match="Make room"):
        register(context, run)
    assert versions(context) == []
    assert not context.registry.folder("v1").exists()


def test_a_disk_that_breaks_otherwise_leaves_no_version_either(
    context: Context, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("finetune.version_folder.shutil.copyfileobj", broken)
    with pytest.raises(RegistryError, match="Input/output"):
        register(context, run)
    assert versions(context) == []


def test_nothing_is_registered_before_it_was_converted(context: Context) -> None:
    with pytest.raises(StageMissingError, match="convert"):
        register(context, context.runs.create())


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
    assert any("no longer supported" in line for line in told(context).lines)


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
    context = Context(config, tell=Told())
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
    assert ("Sending what was learned to Ollama", size, size) in told(context).steps


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
    context = Context(Config(data_dir=tmp_path / "data", ollama_host=fake.url, context=given), tell=Told())
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
    context = Context(config, tell=Told())
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
    context = Context(config, tell=Told())
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
    context = Context(config, tell=Told())
    run = a_run(context)
    assert register(context, run).metrics["ollama"] == "storaiteller:v1"
    assert [value for name, value in parse(modelfile(run)) if name == "from"] == [str(merged[0])]


# The name that stands for the promoted version


@pytest.fixture
def two(context: Context, merged: list[Path]) -> list[Version]:
    """Two versions that Ollama serves."""
    for adapter in (b"GGUF one", b"GGUF two"):
        register(context, a_run(context, adapter))
    return versions(context)


def test_the_alias_follows_the_promoted_version_and_back_to_the_base(
    context: Context, fake: FakeOllama, two: list[Version]
) -> None:
    assert "storaiteller is storaiteller:v1 now" in point_alias(context, "v1")
    assert fake.models["storaiteller:latest"] is fake.models["storaiteller:v1"]
    point_alias(context, "v2")
    assert fake.models["storaiteller:latest"] is fake.models["storaiteller:v2"]
    assert "llama3.2" in point_alias(context, None)
    assert fake.models["storaiteller:latest"] is fake.models["llama3.2:latest"]
    point_alias(context, "v1")
    assert fake.models["storaiteller:latest"] is fake.models["storaiteller:v1"]


def test_the_alias_is_ours_even_if_the_base_was_fetched_anew_meanwhile(
    context: Context, fake: FakeOllama, two: list[Version]
) -> None:
    point_alias(context, "v1")
    point_alias(context, None)
    base = fake.models["llama3.2:latest"]
    fake.models["llama3.2:latest"] = FakeModel(modelfile=base.modelfile, digest="1" * 64)
    point_alias(context, "v2")
    assert fake.models["storaiteller:latest"] is fake.models["storaiteller:v2"]


def test_a_model_the_writer_made_under_that_name_is_left_alone(
    context: Context, fake: FakeOllama, two: list[Version]
) -> None:
    theirs = fake.models["storaiteller:latest"] = FakeModel(digest="2" * 64)
    for name in ("v1", None):
        assert "made by hand" in point_alias(context, name)
        assert fake.models["storaiteller:latest"] is theirs


def test_without_the_base_there_the_alias_is_taken_away(
    tmp_path: Path, fake: FakeOllama, base_file: Path, merged: list[Path]
) -> None:
    config = Config(data_dir=tmp_path / "data", ollama_host=fake.url, model=str(base_file))
    context = Context(config, tell=Told())
    register(context, a_run(context))
    point_alias(context, "v1")
    assert "storaiteller:latest" in fake.models
    assert "taken away" in point_alias(context, None)
    assert "storaiteller:latest" not in fake.models
    assert point_alias(context, None) == ""


def test_the_alias_is_never_the_model_that_is_tuned(
    tmp_path: Path, fake: FakeOllama, merged: list[Path]
) -> None:
    """Who made ``storaiteller`` by hand and tunes it would lose it to its own first version."""
    theirs = fake.models["storaiteller:latest"] = fake.models["llama3.2:latest"]
    config = Config(data_dir=tmp_path / "data", ollama_host=fake.url, model="storaiteller")
    context = Context(config, tell=Told())
    register(context, a_run(context))
    assert "learn on" in point_alias(context, "v1")
    assert fake.models["storaiteller:latest"] is theirs


def test_versions_that_ollama_does_not_have_point_nowhere(
    context: Context, fake: FakeOllama, merged: list[Path]
) -> None:
    fake.create_script = error("busy", 503)
    register(context, a_run(context))
    fake.requests.clear()
    assert point_alias(context, "v1") == point_alias(context, None) == ""
    assert fake.requests == []


def test_pointing_never_raises(
    context: Context, server: ThreadedFakeOllama, two: list[Version], base_file: Path
) -> None:
    assert "no version v9" in point_alias(context, "v9")
    server.fake.replies["/api/copy"] = error("disk I/O error", 500)
    assert "disk I/O error" in point_alias(context, "v1")
    server.fake.models.pop("storaiteller:v1")
    assert "no storaiteller:v1 any more" in point_alias(context, "v1")
    server.call(server.fake.stop)
    assert "stays what it was" in point_alias(context, "v2")
    context.registry.path.write_text("{")
    assert "stays what it was" in point_alias(context, "v2")


def test_forgetting_deletes_only_what_we_made(context: Context, fake: FakeOllama, two: list[Version]) -> None:
    assert "deleted" in forget(context, two[0])
    assert set(fake.models) == {"llama3.2:latest", "storaiteller:v2"}
    fake.models["storaiteller:v1"] = FakeModel()
    assert "stays" in forget(context, two[0])
    assert "storaiteller:v1" in fake.models
    assert forget(context, two[0].model_copy(update={"ollama": None})) == ""
    fake.replies["/api/delete"] = error("no", 500)
    assert "could not be deleted" in forget(context, two[1])


def test_a_version_that_ollama_has_lost_is_given_to_it_again(
    context: Context, run: Run, server: ThreadedFakeOllama, merged: list[Path]
) -> None:
    first = register(context, run)
    del server.fake.models["storaiteller:v1"]
    assert register(context, run).metrics == first.metrics
    assert "storaiteller:v1" in server.fake.models
    del server.fake.models["storaiteller:v1"]
    server.fake.create_script = error("busy", 503)
    assert register(context, run).metrics["ollama"] is None
    assert versions(context)[0].ollama is None


def test_a_version_given_to_ollama_later_gets_the_alias_if_it_is_active(
    context: Context, run: Run, fake: FakeOllama, merged: list[Path]
) -> None:
    fake.create_script = error("busy", 503)
    register(context, run)
    fake.create_script = fake._create
    context.registry.activate("v1")
    register(context, run)
    assert fake.models["storaiteller:latest"] is fake.models["storaiteller:v1"]
    assert any("storaiteller is storaiteller:v1 now" in line for line in told(context).lines)


def test_a_version_given_to_ollama_later_leaves_the_alias_if_another_is_active(
    context: Context, fake: FakeOllama, two: list[Version]
) -> None:
    context.registry.activate("v1")
    point_alias(context, "v1")
    del fake.models["storaiteller:v2"]
    register(context, context.runs.get(two[1].run_id))
    assert "storaiteller:v2" in fake.models
    assert fake.models["storaiteller:latest"] is fake.models["storaiteller:v1"]


def test_a_version_that_ollama_has_not_leaves_the_alias_and_that_is_said(
    context: Context, two: list[Version]
) -> None:
    context.registry.update("v1", ollama=None)
    assert point_alias(context, "v1") == "In Ollama, storaiteller stays what it was, for v1 is not there."


def test_a_version_is_named_even_if_its_base_was_deleted(
    context: Context, fake: FakeOllama, two: list[Version]
) -> None:
    point_alias(context, "v2")
    del fake.models["llama3.2:latest"]
    assert "storaiteller is storaiteller:v1 now" in point_alias(context, "v1")


# Making room


@pytest.fixture
def five(context: Context, merged: list[Path]) -> list[Version]:
    """Five versions that Ollama serves; the fourth is active, and it was made of the second."""
    for number in range(5):
        register(context, a_run(context, b"GGUF %d" % number))
    context.registry.update("v4", parent="v2")
    context.registry.activate("v4")
    return versions(context)


def test_all_but_the_last_the_active_one_and_its_parent_leave_ollama(
    context: Context, fake: FakeOllama, five: list[Version]
) -> None:
    assert tidy(context, five[4]) == (
        "To save room, Ollama has storaiteller:v1, storaiteller:v3 no more; "
        "StorAIteller can still write with it."
    )
    kept = {"storaiteller:v2", "storaiteller:v4", "storaiteller:v5"}
    assert set(fake.models) == {"llama3.2:latest"} | kept
    assert {version.ollama for version in versions(context)} == kept | {None}
    assert context.registry.adapter("v1").is_file()
    assert tidy(context, five[4]) == ""


def test_the_night_ends_with_making_room(context: Context, fake: FakeOllama, two: list[Version]) -> None:
    made = promote(context, tried_run(context, against_base(good_metrics())))
    assert made.metrics["decision"] == "promoted"
    assert set(fake.models) == {"llama3.2:latest"}
    assert any("storaiteller:v1, storaiteller:v2 no more" in line for line in told(context).lines)


def test_making_room_touches_nothing_that_we_did_not_make(
    context: Context, fake: FakeOllama, five: list[Version]
) -> None:
    (context.config.data_dir / "ollama.json").unlink()
    before = dict(fake.models)
    assert tidy(context, five[4]) == ""
    assert fake.models == before
    assert [version.ollama for version in versions(context)] == [version.ollama for version in five]


def test_making_room_never_raises_and_notes_only_what_is_gone(
    context: Context, server: ThreadedFakeOllama, five: list[Version]
) -> None:
    server.fake.replies["/api/delete"] = error("disk I/O error", 500)
    assert "disk I/O error" in tidy(context, five[4])
    server.call(server.fake.stop)
    assert tidy(context, five[4]) == ""
    assert None not in {version.ollama for version in versions(context)}
    context.registry.path.write_text("{")
    assert "damaged" in tidy(context, five[4])


# Asking the server


@pytest.mark.parametrize(
    ("version", "takes"),
    [
        ("0.1.30", True),
        ("0.33.9", True),
        ("0.34.0", True),
        ("0.34.0-rc1", True),
        ("0.34.1", False),
        ("0.34.1-rc0", False),
        ("1.0.0", False),
        ("0.0.0", False),
        ("dev", False),
        ("", False),
    ],
)
def test_which_servers_take_adapters(version: str, takes: bool) -> None:
    assert takes_adapters(version) is takes


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("llama3.2:1b", "llama3.2:1b"),
        ("somebody/model", "somebody/model:latest"),
        ("localhost:5000/me/x", "localhost:5000/me/x:latest"),
        ("example.com/me/x-GGUF:Q4_K_M", "example.com/me/x-GGUF:Q4_K_M"),
    ],
)
def test_names_are_completed_as_the_server_lists_them(name: str, full: str) -> None:
    assert full_name(name) == full


@pytest.mark.parametrize("name", ["", "a b", "a\nFROM b", "../x", "a/b/c/d", 'a"b', "x:", ":x", "-x"])
def test_what_can_be_no_model_is_refused(name: str) -> None:
    with pytest.raises(RegisterError, match="not the name"):
        full_name(name)


@pytest.mark.parametrize(
    "reply", [Reply([b"<html>"]), Reply([{"version": 3}]), error("no", 500), Reply([], raw=True)]
)
def test_what_is_no_ollama_has_no_version(fake: FakeOllama, reply: Reply) -> None:
    fake.replies["/api/version"] = reply
    with OllamaModels(fake.url) as server:
        assert server.version() is None


def test_a_server_that_never_goes_on_is_not_waited_for_without_end(server: ThreadedFakeOllama) -> None:
    server.fake.chat_script = Reply([word("Once"), Silence()])
    models = OllamaModels(server.url, patience=Patience(first_word=0.05))
    with models, pytest.raises(RegisterError, match="too long"):
        models.answer("llama3.2", [Message("user", "Go")], 4, 512)


def test_a_proxy_in_the_environment_is_not_used(fake: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with OllamaModels(fake.url) as server:
        assert server.version() == "0.34.1"


def test_the_fake_tells_models_apart(fake: FakeOllama) -> None:
    fake.models["tuned:latest"] = FakeModel(story=TUNED_STORY)
    with OllamaModels(fake.url) as server:
        ask = [Message("user", "Go")]
        assert server.answer("tuned", ask, 99, 512) == "".join(TUNED_STORY)
        assert server.answer("llama3.2", ask, 99, 512) == "".join(STORY)


# With the real model


def an_adapter(path: Path, *, strength: float = 0.5, width: int = 576) -> Path:
    """A LoRA for the first layers of the demo model, as ``convert`` would write it, but random."""
    chance = np.random.default_rng(3)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16.0)
    for layer in range(4):
        name = f"blk.{layer}.attn_output.weight"
        writer.add_tensor(f"{name}.lora_a", chance.normal(size=(8, width)).astype(np.float32))
        b = strength * chance.normal(size=(width, 8))
        writer.add_tensor(f"{name}.lora_b", b.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def example(demo_model_path: Path) -> tuple[list[int], list[int]]:
    with LlamaProbe(demo_model_path) as probe:
        prompt = probe.render([Message("user", "Write a story about a lighthouse.")])
        story = "Once upon a time a lighthouse stood on a rock in the sea, and nobody lived in it but a gull."
        return probe.tokens(prompt, prompt=True), probe.tokens(story, prompt=False)


@pytest.mark.model
def test_an_adapter_that_changes_the_writing_passes(
    tmp_path: Path, demo_model_path: Path, example: tuple[list[int], list[int]]
) -> None:
    try_out(demo_model_path, an_adapter(tmp_path / "a.gguf"), [example])


@pytest.mark.model
def test_an_adapter_that_changes_nothing_is_refused(
    tmp_path: Path, demo_model_path: Path, example: tuple[list[int], list[int]]
) -> None:
    silent = an_adapter(tmp_path / "a.gguf", strength=0)
    with pytest.raises(TrainingFailedError, match="has learned nothing"):
        try_out(demo_model_path, silent, [example])


@pytest.mark.model
def test_an_adapter_of_other_weights_is_refused_by_the_engine(
    tmp_path: Path, demo_model_path: Path, example: tuple[list[int], list[int]]
) -> None:
    with pytest.raises(ModelUnusableError, match=r"with a\.gguf"):
        try_out(demo_model_path, an_adapter(tmp_path / "a.gguf", width=960), [example])


@pytest.mark.model
def test_the_real_model_is_merged_and_given_to_a_server_whole(
    tmp_path: Path, fake: FakeOllama, demo_model_path: Path
) -> None:
    config = Config(data_dir=tmp_path / "data", ollama_host=fake.url, model=str(demo_model_path))
    context = Context(config, tell=Told())
    run = a_run(context, an_adapter(tmp_path / "a.gguf").read_bytes())
    made = register(context, run)
    assert (made.metrics["ollama"], made.metrics["merged"]) == ("storaiteller:v1", True)
    (size,) = fake.blobs.values()
    assert size == pytest.approx(demo_model_path.stat().st_size, rel=0.01)
    assert not list(run.folder.rglob("merged.gguf"))

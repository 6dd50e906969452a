"""What our names on an Ollama server mean: the promoted version, and making room for new ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.context import Context
from finetune.ollama.tidy import tidy
from finetune.promote import promote
from finetune.register import forget, point_alias, register
from finetune.runs import Run
from storaiteller.config import Config
from storaiteller.registry import Version
from tests.fake_ollama import FakeModel, FakeOllama, ThreadedFakeOllama, error
from tests.learning.exam import Heard, against_base, good_metrics, tried_run
from tests.learning.registering.made import a_run, heard, versions

pytestmark = pytest.mark.slow


# The name that stands for the promoted version


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
    context = Context(config, tell=Heard())
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
    context = Context(config, tell=Heard())
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
    assert any("storaiteller is storaiteller:v1 now" in line for line in heard(context).said)


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
    assert any("storaiteller:v1, storaiteller:v2 no more" in line for line in heard(context).said)


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

"""What the ``storaiteller`` command promises, run as its own process where it has to be."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storaiteller import __main__ as command
from storaiteller.config import PREFIX, Config, load_config
from storaiteller.errors import ConfigError
from tests.fake_ollama import FakeOllama, Gate, Reply, ThreadedFakeOllama, done, error, word
from tests.serving import GUARD

OPTIONS = ("host", "port", "data-dir", "engine", "model", "threads")
ENV_NAMES = {f"{PREFIX}{option.replace('-', '_').upper()}" for option in OPTIONS}


@pytest.fixture(autouse=True)
def fresh_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, no setting in the environment, nobody at Ollama's address, an empty index."""
    for name in list(os.environ):
        if name.startswith((PREFIX, "OLLAMA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedFakeOllama]:
    with FakeOllama.in_thread() as ollama:
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        yield ollama


class Told:
    """What a command wrote, and how it ended."""

    def __init__(self, code: object, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def sentence(self) -> str:
        """What it said to a person, on one line."""
        return " ".join(self.err.split())


Run = Callable[..., Told]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process."""

    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["storaiteller", *arguments])
        with pytest.raises(SystemExit) as ended:
            command.main()
        return Told(ended.value.code or 0, *capsys.readouterr())

    return run


def process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "storaiteller", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )


# --- help and settings ----------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("--help",), ("serve", "--help"), ("serve", "-h")])
def test_help_names_every_option_of_serve_with_its_variable(run: Run, arguments: tuple[str, ...]) -> None:
    told = run(*arguments)
    assert told.code == 0
    for option in OPTIONS:
        assert re.search(rf"--{option}\b", told.out)
    assert "--no-browser" in told.out
    assert set(re.findall(r"STORAITELLER_[A-Z_]+", told.out)) == {*ENV_NAMES, f"{PREFIX}BROWSER"}
    assert all(name in told.out for name in ("write", "models")) or "serve" in arguments


def test_help_of_write_names_every_setting_of_a_story(run: Run) -> None:
    out = run("write", "--help").out
    for option in ("characters", "keywords", "genre", "register", "max-words", "child-friendly", "seed"):
        assert f"--{option}" in out
    assert "--final-twist" in out
    assert "Sci-fi" in out
    assert "Irreverent" in out
    assert "20 to 5,000" in out


def test_every_variable_that_help_names_is_one_that_is_read() -> None:
    known = {f"{PREFIX}{name}".upper() for name in Config.model_fields}
    assert {*ENV_NAMES, f"{PREFIX}BROWSER"} <= known


def test_what_is_given_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAITELLER_PORT", "9001")
    monkeypatch.setenv("STORAITELLER_DATA_DIR", "/stories")
    config = load_config(port=9002, data_dir=None)
    assert (config.port, config.data_dir) == (9002, Path("/stories"))


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "THREADS", "MODEL", "PASSWORD", "TOKEN"):
        monkeypatch.setenv(f"{PREFIX}{name}", "")
    config = load_config()
    assert (config.port, config.threads, config.model, config.password, config.token) == (8000, *[None] * 4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STORAITELLER_PORT", "70000"),
        ("STORAITELLER_PORT", "http"),
        ("STORAITELLER_THREADS", "0"),
        ("STORAITELLER_ENGINE", "steam"),
        ("STORAITELLER_BROWSER", "perhaps"),
        ("STORAITELLER_CONTEXT", "12"),
        ("OLLAMA_HOST", "ftp://x"),
    ],
)
def test_a_bad_value_in_the_environment_names_its_variable(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    told = run("models", "list")
    assert told.code == 2
    assert told.sentence.startswith(name)
    assert value in told.sentence
    assert told.sentence.endswith(".")
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("write", "--max-words", "5"), "max_words must be a whole number from 20 to 5,000, not 5."),
        (("write", "--characters", "x" * 81), "characters must be a list of at most 20 names"),
        (("write", "--keywords", ",".join("x" * 41)), "keywords must be a list of at most 40 keywords"),
        (("write", "--max-words", "ten"), "Invalid value for '--max-words'"),
        (("write", "--genre", "Western"), "Invalid value for '--genre'"),
        (("write", "--seed", "-1"), "Invalid value for '--seed'"),
        (("write", "--seed", "4294967295"), "Invalid value for '--seed'"),
        (("write", "--model", "llama3.2", "--engine", "embedded"), "--model llama3.2 is no GGUF file."),
        (("write", "--model", "fox.gguf", "--engine", "ollama"), "--model fox.gguf runs embedded"),
        (("serve", "--port", "70000"), "STORAITELLER_PORT (--port): "),
        (("serve", "--threads", "0"), "STORAITELLER_THREADS (--threads): "),
        (("serve", "--engine", "steam"), "Invalid value for '--engine'"),
        (
            ("serve", "--host", "0.0.0.0"),
            "--host 0.0.0.0 would let other machines in. Set STORAITELLER_PASSWORD",
        ),
        (("serve", "--host", "example.org"), "--host example.org would let other machines in."),
        (("serve", "--host", "::"), "--host :: would let other machines in."),
        (("--data-dir", "elsewhere", "models", "list"), "Write the options after the command"),
        (("--port", "9000", "serve"), "Write the options after the command: storaiteller serve"),
        (("sing",), "No such command 'sing'."),
        (("serve", "--loud"), "No such option: --loud"),
    ],
)
def test_a_bad_option_is_one_sentence_and_exit_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    told = run(*arguments)
    assert told.code == 2
    assert said in told.sentence
    assert told.out == ""
    assert "Traceback" not in told.err


@pytest.mark.parametrize("password", ["", "short", None])
def test_other_machines_are_let_in_with_a_password_only(
    monkeypatch: pytest.MonkeyPatch, password: str | None
) -> None:
    with pytest.raises(ConfigError, match="STORAITELLER_PASSWORD"):
        load_config(host="0.0.0.0", password=password)
    monkeypatch.setenv("STORAITELLER_PASSWORD", "open sesame")
    assert load_config(host="0.0.0.0").host == "0.0.0.0"


def test_a_password_or_token_is_never_shown() -> None:
    assert "sesame" not in repr(load_config(password="open sesame", token="open sesame, please"))
    for name in ("password", "token"):
        with pytest.raises(ConfigError) as refusal:
            load_config(**{name: "sesame"})
        assert "sesame" not in refusal.value.message
        assert refusal.value.message.startswith(f"{PREFIX}{name.upper()}: ")  # there is no such option


# --- models ---------------------------------------------------------------------------------------


def test_models_list_marks_the_one_that_writes_and_those_not_here(
    run: Run, ollama: ThreadedFakeOllama, tmp_path: Path
) -> None:
    (tmp_path / "data" / "models").mkdir(parents=True)
    (tmp_path / "data" / "models" / "fox.gguf").write_bytes(bytes(2_000_000))
    told = run("models", "list")
    lines = [line.split() for line in told.out.splitlines()[1:]]
    assert lines == [
        ["embedded/SmolLM2-135M-Instruct.Q4_1.gguf", "98", "MB", "not", "here", "yet"],
        ["embedded/fox.gguf", "2", "MB"],
        ["*", "ollama/llama3.2", "2,019", "MB"],
    ]


def test_models_list_works_where_nothing_is(run: Run) -> None:
    told = run("models", "list")
    assert (told.code, told.err) == (0, "")
    assert "SmolLM2" in told.out


def test_models_pull_lets_ollama_fetch(run: Run, ollama: ThreadedFakeOllama) -> None:
    told = run("models", "pull", "qwen3")
    assert told.code == 0
    assert [request.body["model"] for request in ollama.fake.asked("/api/pull")] == ["qwen3"]


def test_models_pull_says_what_went_wrong(run: Run, ollama: ThreadedFakeOllama) -> None:
    ollama.fake.pull_script = error("pull model manifest: file does not exist", 500)
    told = run("models", "pull", "nope")
    assert told.code == 1
    assert told.sentence.endswith("Ollama's library has no model called nope. Check the name.")


def test_models_pull_says_that_ollama_is_not_there(run: Run) -> None:
    told = run("models", "pull", "qwen3")
    assert told.code == 1
    assert "Ollama does not answer at http://127.0.0.1:9." in told.sentence


def test_models_fetch_does_not_fetch_what_is_here(run: Run, tmp_path: Path) -> None:
    """It once brought 93 MB anew each time; here pip has no index to bring anything from."""
    model = tmp_path / "elsewhere" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"GGUF")
    told = run("models", "fetch", "--data-dir", "elsewhere")
    assert told.code == 0
    assert "here already" in told.sentence
    assert model.read_bytes() == b"GGUF"


def test_models_fetch_says_what_went_wrong(run: Run) -> None:
    told = run("models", "fetch")
    assert told.code == 1
    assert "The demo model could not be fetched." in told.sentence


# --- write ----------------------------------------------------------------------------------------


def test_write_asks_for_the_story_and_prints_it(run: Run, ollama: ThreadedFakeOllama) -> None:
    told = run(
        *("write", "--characters", "Ada, Bo,", "--keywords", " moon ", "--genre", "Sci-fi"),
        *("--register", "Vivid", "--max-words", "50", "--child-friendly", "--final-twist", "--seed", "7"),
    )
    assert (told.code, told.err) == (0, "")
    assert told.out == "Once upon a time a fox found the moon.\n"
    [asked] = ollama.fake.asked("/api/chat")
    prompt = asked.body["messages"][0]["content"]
    for part in ("maximum 50 words", "names are Ada, Bo.", "Sci-fi", "Vivid", "are moon.", "twist", "child"):
        assert part in prompt
    assert asked.body["options"]["seed"] == 7


def test_write_says_what_went_wrong_after_what_was_written(run: Run, ollama: ThreadedFakeOllama) -> None:
    ollama.fake.chat_script = Reply([word("Once upon"), {"error": "out of memory"}])
    told = run("write")
    assert (told.code, told.out) == (1, "Once upon\n")
    assert told.sentence == "Ollama reports: out of memory"


def test_write_without_any_model_says_how_to_get_one(run: Run) -> None:
    told = run("write")
    assert told.code == 1
    assert "The demo model could not be fetched." in told.sentence
    assert "is not on this machine yet" in told.sentence
    assert "Traceback" not in told.err


def test_write_streams_and_ctrl_c_ends_it_quietly(ollama: ThreadedFakeOllama) -> None:
    """The second half of the story never comes: what is read was printed as it was written."""
    ollama.fake.chat_script = Reply([word("Once upon"), Gate(), word(" a time."), done()])
    with process("write") as writing:
        assert writing.stdout is not None
        assert writing.stdout.read(9) == "Once upon"
        writing.send_signal(signal.SIGINT)
        out, err = writing.communicate(timeout=GUARD)
    assert (out, err, writing.returncode) == ("\n", "", 130)


def test_write_into_a_pipe_that_closes_ends_quietly(ollama: ThreadedFakeOllama) -> None:
    gate = Gate()
    ollama.fake.chat_script = Reply([word("Once upon"), gate, word(" a time."), done()])
    with process("write") as writing:
        assert writing.stdout is not None
        assert writing.stderr is not None
        assert writing.stdout.read(9) == "Once upon"
        writing.stdout.close()
        ollama.call(gate.open)
        assert writing.wait(timeout=GUARD) == 1
        assert writing.stderr.read() == ""


@pytest.mark.model
def test_the_same_seed_writes_the_same_story_with_the_demo_model(demo_model_path: Path) -> None:
    stories = []
    arguments = ("--max-words", "20", "--model", str(demo_model_path), "--threads", "1", "--seed", "7")
    for _ in range(2):
        with process("write", *arguments) as writing:
            out, err = writing.communicate(timeout=GUARD)
        assert (err, writing.returncode) == ("", 0)
        stories.append(out)
    assert stories[0] == stories[1]
    assert 0 < len(stories[0].split()) <= 20

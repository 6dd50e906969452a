"""The nightly run is set up once, exactly as shown, beside what was there, and can be taken away again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from finetune import schedule
from finetune.config import LearnConfig
from finetune.context import Context
from finetune.errors import ScheduleError
from finetune.schedulers.base import Job
from finetune.schedulers.cron import Cron
from finetune.schedulers.script import script
from finetune.schedulers.systemd import service_unit, timer_unit
from storaiteller.config import Config, EngineChoice
from tests.learning.fake_schedulers import FakeSchedulers

ROOT = Path(__file__).resolve().parents[2]
ODD = 'it\'s a "good" $HOME `ls` %h 100% ä月 & co'
"""A name that means something to every one of these programs, unless it is quoted."""


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSchedulers:
    """A machine that has none of the programs yet, and another home."""
    fakes = FakeSchedulers(tmp_path / "bin")
    fakes.folder.mkdir()
    monkeypatch.setenv("PATH", str(fakes.folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WSL_DISTRO_NAME", raising=False)
    return fakes


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Config(data_dir=tmp_path / "data"))


@pytest.fixture
def cron_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cron, "runs", lambda self: True)


def units(tmp_path: Path) -> Path:
    return tmp_path / "config" / "systemd" / "user"


def a_job(folder: Path, *command: str, **environment: str) -> Job:
    return Job(command, folder, environment, folder / "log.txt", folder / "nightly.sh", "03:00")


# Which one


@pytest.mark.parametrize(
    ("there", "runs", "wsl", "chosen"),
    [
        (["systemctl", "crontab", "schtasks.exe"], True, True, "systemd"),
        (["crontab", "schtasks.exe"], True, True, "cron"),
        (["crontab", "schtasks.exe"], False, True, "Windows"),
        (["crontab"], False, False, "cron"),
        (["schtasks.exe"], False, True, "Windows"),
    ],
)
def test_the_best_that_works_is_chosen(
    fakes: FakeSchedulers,
    monkeypatch: pytest.MonkeyPatch,
    there: list[str],
    runs: bool,
    wsl: bool,
    chosen: str,
) -> None:
    fakes.add(*there)
    monkeypatch.setattr(Cron, "runs", lambda self: runs)
    if wsl:
        monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")
    assert schedule.choose().name == chosen


def test_a_systemd_that_does_not_answer_is_passed_over(fakes: FakeSchedulers, cron_runs: None) -> None:
    fakes.add("systemctl", "crontab")
    fakes.flag("no-bus")
    assert schedule.choose().name == "cron"


@pytest.mark.parametrize("there", [[], ["schtasks.exe"]])
def test_where_there_is_none_the_message_says_what_to_do(
    fakes: FakeSchedulers, context: Context, there: list[str]
) -> None:
    fakes.add(*there)
    with pytest.raises(ScheduleError, match="Install cron, or run"):
        schedule.plan(context, "03:00")


def test_whether_cron_runs_is_seen_from_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def processes(*names: str) -> Any:
        return lambda _: [type("Process", (), {"info": {"name": name}}) for name in names]

    monkeypatch.setattr(psutil, "MACOS", False)
    monkeypatch.setattr(psutil, "process_iter", processes("bash", "cron"))
    assert Cron().runs()
    monkeypatch.setattr(psutil, "process_iter", processes("bash"))
    assert not Cron().runs()


# What is to be run


@pytest.mark.parametrize(("at", "told"), [("03:00", "03:00"), ("3:05", "03:05"), (" 23:59 ", "23:59")])
def test_times_are_understood(context: Context, at: str, told: str) -> None:
    assert schedule.job(context, at).at == told


@pytest.mark.parametrize(
    "at", ["", "3", "24:00", "03:60", "3am", "03:00:00", "-1:00", "03:00\n* * *", "٣:00"]
)
def test_what_is_no_time_is_refused_with_what_is_allowed(context: Context, at: str) -> None:
    with pytest.raises(ScheduleError, match="like 03:00, from 00:00 to 23:59"):
        schedule.job(context, at)


def test_the_run_at_night_has_the_settings_of_today_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    config = Config(
        data_dir=Path("data"),
        model="mine.gguf",
        engine=EngineChoice.EMBEDDED,
        ollama_host="studio:11434",
        token="a-secret-of-sixteen",
        port=9_000,
    )
    job = schedule.job(Context(config, LearnConfig(min_likes=5, base=Path("weights"))), "03:00")
    assert job.command == (sys.executable, "-m", "finetune", "nightly")
    assert job.folder == ROOT
    assert job.environment == {
        "STORAITELLER_DATA_DIR": str(tmp_path / "data"),
        "STORAITELLER_ENGINE": "embedded",
        "STORAITELLER_MODEL": str(tmp_path / "mine.gguf"),
        "OLLAMA_HOST": "studio:11434",
        "STORAITELLER_LEARN_MIN_LIKES": "5",
        "STORAITELLER_LEARN_BASE": str(tmp_path / "weights"),
    }
    assert job.log == tmp_path / "data" / "logs" / "nightly.log"


def test_the_settings_carried_over_are_those_the_app_would_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Context(Config(data_dir=tmp_path, model="llama3.2", threads=3), LearnConfig(epochs=2))
    for name, value in schedule.job(given, "03:00").environment.items():
        monkeypatch.setenv(name, value)
    assert (Config().data_dir, Config().model, Config().threads) == (tmp_path, "llama3.2", 3)
    assert LearnConfig().epochs == 2


# Planning


@pytest.mark.parametrize("name", ["systemctl", "crontab", "schtasks.exe"])
def test_a_plan_shows_all_that_it_writes_and_touches_nothing(
    tmp_path: Path,
    fakes: FakeSchedulers,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
    cron_runs: None,
    name: str,
) -> None:
    fakes.add(name)
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")
    before = sorted(tmp_path.rglob("*"))
    plan = schedule.plan(context, "03:00")
    for path, text in plan.files.items():
        assert str(path) in plan.text
        for line in text.splitlines():
            assert line in plan.text
    for command in plan.commands:
        assert plan.scheduler == "cron" or all(part in plan.text for part in command)
    assert plan.entry in plan.text
    assert [path for path in sorted(tmp_path.rglob("*")) if path.name != "asked.jsonl"] == before
    assert not [asked for asked in fakes.asked() if asked[1:] != ["--user", "show-environment"]]


def test_a_cron_that_does_not_run_is_said(
    fakes: FakeSchedulers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.add("crontab")
    monkeypatch.setattr(Cron, "runs", lambda self: False)
    assert "does not seem to run" in schedule.plan(context, "03:00").text


# systemd


def test_systemd_gets_a_timer_that_catches_up_and_a_gentle_service(
    tmp_path: Path, fakes: FakeSchedulers, context: Context
) -> None:
    fakes.add("systemctl")
    schedule.install(schedule.plan(context, "3:05"))
    timer = (units(tmp_path) / "storaiteller-nightly.timer").read_text()
    assert "OnCalendar=*-*-* 03:05:00\nPersistent=true\n" in timer
    service = (units(tmp_path) / "storaiteller-nightly.service").read_text()
    assert "Nice=19\nIOSchedulingClass=idle\n" in service
    assert f'Environment="STORAITELLER_DATA_DIR={tmp_path}/data"\n' in service
    assert f'ExecStart="{sys.executable}" "-m" "finetune" "nightly"\n' in service
    assert f"StandardOutput=append:{tmp_path}/data/logs/nightly.log\n" in service
    assert (tmp_path / "data" / "logs").is_dir()
    assert fakes.asked()[-3:] == [
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable", "storaiteller-nightly.timer"],
        ["systemctl", "--user", "restart", "storaiteller-nightly.timer"],
    ]


def test_a_timer_can_be_asked_about_moved_and_removed(
    tmp_path: Path, fakes: FakeSchedulers, context: Context
) -> None:
    fakes.add("systemctl")
    assert "No nightly run is set up" in schedule.status(context)
    schedule.install(schedule.plan(context, "03:00"))
    schedule.install(schedule.plan(context, "04:00"))
    assert "04:00" in (units(tmp_path) / "storaiteller-nightly.timer").read_text()
    told = schedule.status(context)
    assert "next on Mon 2026-11-23 03:00:00 UTC. It has not run yet." in told
    assert "nightly.log" in told
    fakes.flag("last", "Sun 2026-11-22 03:04:00 UTC")
    assert "Last time: Sun 2026-11-22 03:04:00 UTC, success." in schedule.status(context)
    assert "systemd" in schedule.remove(context)
    assert list(units(tmp_path).iterdir()) == []
    assert schedule.remove(context) == "No nightly run was set up."


def test_a_timer_that_is_written_but_stopped_is_said(
    tmp_path: Path, fakes: FakeSchedulers, context: Context
) -> None:
    fakes.add("systemctl")
    schedule.install(schedule.plan(context, "03:00"))
    (fakes.folder / "running").unlink()
    assert "it is inactive" in schedule.status(context)


def test_a_unit_that_somebody_else_wrote_is_left_alone(
    tmp_path: Path, fakes: FakeSchedulers, context: Context
) -> None:
    fakes.add("systemctl")
    theirs = units(tmp_path) / "storaiteller-nightly.timer"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("[Timer]\nOnCalendar=weekly\n")
    with pytest.raises(ScheduleError, match="left alone"):
        schedule.install(schedule.plan(context, "03:00"))
    assert theirs.read_text() == "[Timer]\nOnCalendar=weekly\n"
    assert not (units(tmp_path) / "storaiteller-nightly.service").exists()
    assert schedule.remove(context) == "No nightly run was set up."


def test_what_systemd_refuses_is_told_in_its_words(
    fakes: FakeSchedulers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.add("systemctl")
    plan = schedule.plan(context, "03:00")
    fakes.flag("no-bus")
    with pytest.raises(ScheduleError, match="No medium found"):
        schedule.install(plan)


def test_odd_names_mean_nothing_to_systemd(tmp_path: Path) -> None:
    unit = service_unit(a_job(tmp_path / ODD, "/bin/p", "-c", ODD, X=ODD))
    quoted = 'it\'s a \\"good\\" $HOME `ls` %%h 100%% ä月 & co'
    assert f'ExecStart="/bin/p" "-c" "{quoted.replace("$", "$$")}"\n' in unit
    assert f'Environment="X={quoted}"\n' in unit
    assert f"WorkingDirectory={tmp_path}/{ODD.replace('%', '%%')}\n" in unit


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
@pytest.mark.parametrize("name", ["plain", ODD])
def test_systemd_itself_finds_nothing_wrong_with_the_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    folder = tmp_path / name
    folder.mkdir()
    job = a_job(folder, sys.executable, "-c", ODD, X=ODD)
    written = [tmp_path / "storaiteller-nightly.service", tmp_path / "storaiteller-nightly.timer"]
    for path, text in zip(written, (service_unit(job), timer_unit(job.at)), strict=True):
        path.write_text(text)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--user", *map(str, written)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.stderr, checked.returncode) == ("", 0)


# cron


THEIRS = b"# my own\nMAILTO=ada\n\n0 5 * * 1  tar %\\% # storaiteller-nightly-not\n\t \n@reboot \xff\xfe\r\n"


@pytest.mark.parametrize("theirs", [None, b"", THEIRS, b"# storaiteller-nightly\n"])
def test_cron_gets_one_line_and_keeps_every_other_to_the_byte(
    fakes: FakeSchedulers, context: Context, cron_runs: None, theirs: bytes | None
) -> None:
    fakes.add("crontab")
    if theirs is not None:
        fakes.table = theirs
    for at in ("03:00", "04:30"):
        schedule.install(schedule.plan(context, at))
    line = f"30 4 * * * /bin/sh {context.config.data_dir}/nightly.sh # storaiteller-nightly\n".encode()
    assert fakes.table == (theirs or b"") + line
    assert "30 4 * * *" in schedule.status(context)
    assert "cron" in schedule.remove(context)
    assert fakes.table == (theirs or None)
    assert not (context.config.data_dir / "nightly.sh").exists()
    assert schedule.remove(context) == "No nightly run was set up."


def test_a_crontab_without_its_last_newline_gets_one(
    fakes: FakeSchedulers, context: Context, cron_runs: None
) -> None:
    fakes.add("crontab")
    fakes.table = b"0 5 * * * true"
    schedule.install(schedule.plan(context, "03:00"))
    assert (fakes.table or b"").startswith(b"0 5 * * * true\n0 3 * * * ")


def test_what_changed_in_the_crontab_since_the_plan_is_kept(
    fakes: FakeSchedulers, context: Context, cron_runs: None
) -> None:
    fakes.add("crontab")
    plan = schedule.plan(context, "03:00")
    fakes.table = b"0 5 * * * new\n"
    schedule.install(plan)
    assert (fakes.table or b"").startswith(b"0 5 * * * new\n")


def test_a_crontab_that_cannot_be_read_is_not_written(
    fakes: FakeSchedulers, context: Context, cron_runs: None
) -> None:
    fakes.add("crontab")
    fakes.flag("forbidden")
    with pytest.raises(ScheduleError, match="not allowed"):
        schedule.install(schedule.plan(context, "03:00"))
    assert ["crontab", "-"] not in fakes.asked()
    assert not context.config.data_dir.exists()


def test_the_line_and_its_script_run_the_job_whatever_the_folders_are_called(
    tmp_path: Path, fakes: FakeSchedulers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as cron does: ``\\%`` becomes ``%``, and the rest goes to ``sh``."""
    folder = tmp_path / ODD
    folder.mkdir()
    told = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['X'], os.getcwd()]))"
    job = a_job(folder, sys.executable, "-c", told, ODD, "", X=ODD)
    plan = Cron().plan(job)
    job.script.write_text(plan.files[job.script])
    monkeypatch.setenv("PATH", os.defpath)
    command = plan.entry.split(" ", 5)[5].replace("\\%", "%")
    subprocess.run(["/bin/sh", "-c", command], check=True)
    assert json.loads(job.log.read_text()) == [[ODD, ""], ODD, str(folder)]


@pytest.mark.parametrize("odd", ["a\nb", "a\x00b", "a\u200bb", "a ", "a\\"])
def test_what_no_file_can_hold_is_refused_by_name(tmp_path: Path, odd: str) -> None:
    for make in (script, service_unit):
        with pytest.raises(ScheduleError, match="plain letters"):
            make(a_job(tmp_path / odd, "/bin/p"))
        with pytest.raises(ScheduleError, match="plain letters"):
            make(a_job(tmp_path, "/bin/p", X=odd))


def test_a_backslash_in_the_path_is_refused_for_cron(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="backslash"):
        Cron().plan(a_job(tmp_path / "a\\b", "/bin/p"))


REAL_CRONTAB = shutil.which("crontab")


@pytest.mark.skipif(REAL_CRONTAB is None, reason="cron is not installed here")
def test_the_real_crontab_takes_the_line(
    monkeypatch: pytest.MonkeyPatch, context: Context, cron_runs: None
) -> None:
    """Only where there is no crontab yet: nobody's own is at stake."""
    monkeypatch.setenv("PATH", str(Path(str(REAL_CRONTAB)).parent))
    monkeypatch.setattr("finetune.schedulers.systemd.Systemd.usable", lambda self: False)
    if subprocess.run(["crontab", "-l"], capture_output=True, check=False).returncode == 0:
        pytest.skip("there is a crontab here already")
    schedule.install(schedule.plan(context, "03:00"))
    try:
        listed = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=True).stdout
        assert listed.endswith("# storaiteller-nightly\n")
    finally:
        schedule.remove(context)


# Windows


def test_windows_gets_a_task_that_starts_the_script_in_this_wsl(
    fakes: FakeSchedulers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.add("schtasks.exe")
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu 24")
    monkeypatch.setattr("finetune.schedulers.windows._person", lambda: "ada")
    for at in ("03:00", "4:30"):
        schedule.install(schedule.plan(context, at))
    (task,) = fakes.tasks.values()
    path = context.config.data_dir / "nightly.sh"
    assert task["/TR"] == f'wsl.exe -d "Ubuntu 24" -u "ada" -e /bin/sh "{path}"'
    assert (task["/ST"], task["/SC"], task["/TN"]) == ("04:30", "DAILY", "StorAIteller nightly")
    assert "-m finetune nightly" in path.read_text()
    assert "04:30" in schedule.status(context)
    assert "Windows" in schedule.remove(context)
    assert fakes.tasks == {}
    assert schedule.remove(context) == "No nightly run was set up."


@pytest.mark.parametrize(
    ("folder", "words"), [('a "b"', "cannot hold"), ("100%", "cannot hold"), ("x" * 240, "too long")]
)
def test_what_a_task_cannot_hold_is_refused(
    tmp_path: Path, fakes: FakeSchedulers, monkeypatch: pytest.MonkeyPatch, folder: str, words: str
) -> None:
    fakes.add("schtasks.exe")
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")
    context = Context(Config(data_dir=tmp_path / folder / "data"))
    with pytest.raises(ScheduleError, match=words):
        schedule.plan(context, "03:00")


# Several of them


def test_setting_it_up_elsewhere_takes_the_old_one_away(
    tmp_path: Path, fakes: FakeSchedulers, context: Context, cron_runs: None
) -> None:
    """Two schedulers would start two runs, one of which would only find the other's lock."""
    fakes.add("crontab")
    fakes.table = THEIRS
    schedule.install(schedule.plan(context, "03:00"))
    fakes.add("systemctl")
    schedule.install(schedule.plan(context, "03:00"))
    assert fakes.table == THEIRS
    assert "systemd" in schedule.status(context)
    assert "crontab" not in schedule.status(context)


def test_a_disk_that_cannot_be_written_is_said(
    tmp_path: Path, fakes: FakeSchedulers, context: Context
) -> None:
    fakes.add("systemctl")
    (tmp_path / "config").write_text("a file where the folder should be")
    with pytest.raises(ScheduleError, match="could not be written"):
        schedule.install(schedule.plan(context, "03:00"))


def test_a_program_that_cannot_be_started_is_said(fakes: FakeSchedulers, context: Context) -> None:
    fakes.add("systemctl")
    plan = schedule.plan(context, "03:00")
    fakes.remove("systemctl")
    with pytest.raises(ScheduleError, match="no systemctl"):
        schedule.install(plan)

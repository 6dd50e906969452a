"""A small script that runs the job, for schedulers that can neither set an environment nor keep a log."""

from __future__ import annotations

import shlex
import shutil

from finetune.schedulers.base import OURS, Job, one_line


def script(job: Job) -> str:
    """The text of ``job.script``: everything in it is quoted for ``sh``. Raises ``ScheduleError``."""
    one_line(*job.command, str(job.folder), str(job.log), *job.environment, *job.environment.values())
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(job.environment.items())]
    gently = ["nice", "-n", "19", *(["ionice", "-c", "3"] if shutil.which("ionice") else [])]
    lines = [
        "#!/bin/sh",
        f"# {OURS}. Change it with: storaiteller-finetune schedule install",
        f"cd {shlex.quote(str(job.folder))} || exit 1",
        *exports,
        f"exec {shlex.join([*gently, *job.command])} >>{shlex.quote(str(job.log))} 2>&1",
    ]
    return "\n".join(lines) + "\n"

"""One conversion or one merge in a process of its own: its seconds, imports included, and its peak memory."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

BEGUN = time.perf_counter()


def main(what: str, adapter: str, base: str, out: str) -> None:
    if what == "convert":
        from finetune.gguf_lora import convert

        convert(Path(adapter), Path(base), Path(out))
    else:
        from finetune.gguf_merge import merge

        merge(Path(base), Path(adapter), Path(out))
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    seconds = time.perf_counter() - BEGUN
    print(json.dumps({"seconds": seconds, "bytes": Path(out).stat().st_size, "peak": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])

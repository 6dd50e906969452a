"""One epoch of our own training, to stand beside ``plain_trl``: the same arguments, the same answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from finetune.config import LearnConfig
from finetune.training.trainer import train_apart


def main(weights: str, train: str, out: str, kind: str) -> None:
    folder = Path(out)
    folder.mkdir(parents=True)
    outcome = train_apart(
        Path(weights), Path(train), Path(train), folder, LearnConfig(epochs=1), report=lambda told: None
    )
    print(
        json.dumps({"tokens_per_second": outcome.tokens / outcome.epochs[-1].training_seconds, "kind": kind})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

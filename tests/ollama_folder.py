"""A folder of Ollama's own, as its server leaves it on the disk."""

from __future__ import annotations

import json
from pathlib import Path

MODEL, ADAPTER = "application/vnd.ollama.image.model", "application/vnd.ollama.image.adapter"
DIGEST = f"sha256:{'a' * 64}"


def manifest(*kinds: str, digest: str = DIGEST) -> str:
    layers = [{"mediaType": kind, "digest": digest, "size": 4} for kind in kinds]
    return json.dumps({"schemaVersion": 2, "config": {}, "layers": layers})


def put(folder: Path, place: str, text: str | bytes) -> None:
    path = folder / "manifests" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def made_in(parent: Path) -> Path:
    """The folder, with one blob."""
    blobs = parent / "ollama" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / DIGEST.replace(":", "-")).write_bytes(b"GGUF")
    return blobs.parent

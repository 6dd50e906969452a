"""Finding a model's GGUF in Ollama's own folder on this machine, without its server."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

from storaiteller.errors import ModelMissingError, ModelUnusableError

_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_NAME = re.compile(rf"(?:{_PART}/){{0,2}}{_PART}(?::{_PART})?")
_MODEL_LAYER = "application/vnd.ollama.image.model"
_ADAPTER_LAYER = "application/vnd.ollama.image.adapter"


def usual_folders() -> list[Path]:
    """Where Ollama keeps models: for the person, and for its system service."""
    return [Path.home() / ".ollama" / "models", Path("/usr/share/ollama/.ollama/models")]


def stored_names(folders: list[Path]) -> list[str]:
    """The models in these folders, as Ollama names them, adapters and broken ones included.

    Those in a folder that we may not read are left out.
    """
    names = set()
    for folder in folders:
        if _is_closed(folder):
            continue
        for manifest in folder.glob("manifests/*/*/*/*"):
            owner, model, tag = manifest.parts[-3:]
            owned = model if owner == "library" else f"{owner}/{model}"
            names.add(owned if tag == "latest" else f"{owned}:{tag}")
    return sorted(name for name in names if _NAME.fullmatch(name))


def find_blob(name: str, folders: list[Path]) -> Path:
    """The GGUF file of ``name``: ``llama3.2:1b``, ``somebody/model``, ``host/somebody/model:tag``.

    Raises ``ModelMissingError`` if no folder that we may read has it, ``ModelUnusableError`` if its
    manifest is not one we can read or names more than one file.
    """
    if not _NAME.fullmatch(name):
        raise ModelMissingError(f"{name!r} is not the name of an Ollama model.")
    model, _, tag = name.partition(":")
    # Its place: the host it came from (any, unless the name says), who made it, its name.
    model = ("*/library/", "*/", "")[model.count("/")] + model
    closed = [folder for folder in folders if _is_closed(folder)]
    for folder in folders:
        found = [] if folder in closed else folder.glob(f"manifests/{model}/{tag or 'latest'}")
        for manifest in sorted(found):
            try:
                return _model_layer(name, manifest, folder)
            except PermissionError as error:
                raise ModelMissingError(how_to_open(folder)) from error
    if closed:
        raise ModelMissingError(how_to_open(closed[0]))
    places = " or ".join(str(folder) for folder in folders)
    raise ModelMissingError(
        f"Ollama has no model {name} in {places}. Get it with: ollama pull {name}, "
        "or say where Ollama keeps its models in OLLAMA_MODELS."
    )


def how_to_open(place: Path) -> str:
    """What to tell a writer who may not read this file or folder of Ollama's."""
    above = list(reversed(place.absolute().parents))
    shut = [number for number, folder in enumerate(above) if not os.access(folder, os.X_OK)]
    way = [str(folder) for folder in above[shut[0] :]] if shut else []
    # Not all that is in the folders above: beside its models Ollama keeps a secret key.
    commands = [["sudo", "chmod", "a+x", *way]] if way else []
    commands.append(["sudo", "chmod", "-R", "a+rX", str(place)])
    told = " && ".join(map(shlex.join, commands))
    return f"Ollama's models are in {place}, which you may not read. Allow it in a terminal: {told}"


def _is_closed(folder: Path) -> bool:
    """Whether we may not see which models there are; a folder that is not there is not closed."""
    try:
        list((folder / "manifests").iterdir())
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _model_layer(name: str, manifest: Path, folder: Path) -> Path:
    try:
        layers = json.loads(manifest.read_text())["layers"]
        kinds = {layer["mediaType"]: str(layer["digest"]) for layer in layers}
        blob = folder / "blobs" / kinds[_MODEL_LAYER].replace(":", "-")
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnusableError(f"Ollama's notes on {name} ({manifest}) cannot be read.") from error
    if _ADAPTER_LAYER in kinds:
        raise ModelUnusableError(
            f"{name} is a model with an adapter; use it through the Ollama server: --engine ollama."
        )
    if blob.parent != folder / "blobs" or not blob.is_file():
        raise ModelMissingError(f"The file of {name} is gone: {blob}. Get it with: ollama pull {name}")
    with blob.open("rb"):
        return blob

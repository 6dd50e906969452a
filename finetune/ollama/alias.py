"""The name ``storaiteller`` on an Ollama server: always the version that was promoted last."""

from __future__ import annotations

from finetune.base import resolve
from finetune.context import Context
from finetune.errors import RegisterError, UnusableBaseError
from finetune.ollama.marks import Marks
from finetune.ollama.models import OllamaModels, full_name
from storaiteller.errors import StoraitellerError
from storaiteller.own_model import OWN_NAME
from storaiteller.registry import Version

ALIAS = f"{OWN_NAME}:latest"


def point_alias(context: Context, version_name: str | None) -> str:
    """Let ``ollama run storaiteller`` be this version, or the base (None). Returns what to log, maybe "".

    Best effort: it never raises, and it leaves alone what the writer gave that name by hand.
    """
    try:
        versions = context.registry.read().versions
        name = context.registry.read().find(version_name).ollama if version_name else None
        if not any(version.ollama for version in versions):
            return ""
        if version_name and name is None:
            return f"In Ollama, {OWN_NAME} stays what it was, for {version_name} is not there."
        return _point(context, name)
    except (StoraitellerError, OSError) as error:
        return f"In Ollama, {OWN_NAME} stays what it was. {error}"


def forget(context: Context, version: Version) -> str:
    """Delete what a version is on the Ollama server, if we made it. Returns what to log; never raises."""
    if version.ollama is None:
        return ""
    try:
        with OllamaModels(context.config.ollama_host) as server:
            marks = Marks(context.config.data_dir, server.url)
            if version.ollama not in marks.names:
                return f"Ollama's {version.ollama} was not made from this data folder and stays."
            if version.ollama in server.listed():
                server.delete(version.ollama)
            marks.drop(version.ollama)
            return f"Ollama's {version.ollama} is deleted."
    except (StoraitellerError, OSError) as error:
        return f"Ollama's {version.ollama} could not be deleted. {error}"


def _point(context: Context, name: str | None) -> str:
    """``name`` is the version's, None for the base."""
    base = _base(context, needed=name is None)
    if base is not None and full_name(base) == ALIAS:
        return f"Ollama's {OWN_NAME} is the model that you learn on, so it stays what it is."
    with OllamaModels(context.config.ollama_host) as server:
        if server.version() is None:
            raise RegisterError(f"No Ollama server answered at {server.url}.")
        listed = server.listed()
        marks = Marks(context.config.data_dir, server.url)
        known = {listed.get(each) for each in (*marks.names, *([full_name(base)] if base else ()))}
        if ALIAS in listed and listed[ALIAS] not in ({*known, marks.alias} - {None, ""}):
            return (
                f"Ollama has a model {OWN_NAME} that was made by hand, so it is left alone. The versions "
                f"are there under their own names, as {OWN_NAME}:v1."
            )
        return _give(server, marks, listed, name or base)


def _base(context: Context, *, needed: bool) -> str | None:
    """The base's name on the server. A version can be named without it, say where it was deleted."""
    try:
        return resolve(context).ollama
    except UnusableBaseError:
        if needed:
            raise
        return None


def _give(server: OllamaModels, marks: Marks, listed: dict[str, str], name: str | None) -> str:
    if name is None:
        if ALIAS not in listed:
            return ""
        server.delete(ALIAS)
        return f"Ollama's {OWN_NAME} is taken away: the model without what was learned is not there."
    if full_name(name) not in listed:
        raise RegisterError(f"Ollama has no {name} any more.")
    if listed.get(ALIAS) != listed[full_name(name)]:
        server.copy(name, ALIAS)
    marks.set_alias(listed[full_name(name)])
    return f"In Ollama, {OWN_NAME} is {name} now."

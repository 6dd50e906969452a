"""What of ours an Ollama server still has, and making room on it: each version may be a whole model there."""

from __future__ import annotations

from finetune.context import Context
from finetune.ollama.marks import Marks
from finetune.ollama.models import OllamaModels
from storaiteller.errors import StoraitellerError
from storaiteller.registry import Version


def still_serves(context: Context, name: str) -> bool:
    """Whether the server has a model of this full name; one that does not answer is taken to have it."""
    try:
        with OllamaModels(context.config.ollama_host) as server:
            return name in server.listed()
    except StoraitellerError:
        return True


def tidy(context: Context, version: Version) -> str:
    """Delete our versions on the server but ``version``, the active one and its parent.

    Their own files stay, so that the app can write with them. Returns what to log, maybe ""; never raises.
    """
    removed: list[str] = []
    try:
        state = context.registry.read()
        active = state.active_version
        kept = {version.name, state.active, active.parent if active else None}
        old = [each for each in state.versions if each.ollama and each.name not in kept]
        if old:
            with OllamaModels(context.config.ollama_host) as server:
                _remove(context, server, old, removed)
    except (StoraitellerError, OSError) as error:
        return " ".join(filter(None, (_told(removed), f"Older versions stay on Ollama. {error}")))
    return _told(removed)


def _remove(context: Context, server: OllamaModels, old: list[Version], removed: list[str]) -> None:
    """Adds to ``removed`` what is gone, so that it is known even after a failure."""
    if server.version() is None:
        return
    listed = server.listed()
    marks = Marks(context.config.data_dir, server.url)
    for each in old:
        if each.ollama not in marks.names:
            continue
        if each.ollama in listed:
            server.delete(each.ollama)
            removed.append(each.ollama)
        context.registry.update(each.name, ollama=None)
        marks.drop(each.ollama)


def _told(removed: list[str]) -> str:
    if not removed:
        return ""
    return f"To save room, Ollama has {', '.join(removed)} no more; StorAIteller can still write with it."

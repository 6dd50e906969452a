"""What an Ollama model is made of besides its weights: taken over from the base, written as a Modelfile.

Whatever is written is read again, as Ollama reads it, before anybody gets to see it: so nothing in a
base's texts can become an instruction. No story text ever goes in.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from finetune.errors import RegisterError
from finetune.ollama.modelfile_text import MARKS, Command, parse, printable
from storaiteller.story import SamplingOptions

Value = str | int | float | bool | list[str]

_TEMPLATE = "version.Modelfile.j2"
_NO_TEMPLATE = "{{ .Prompt }}"
"""What a server shows of a model that has no template of its own."""
_PLAIN = re.compile(r"[\w<|>./:@+-]+")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]*")
_ACTION = re.compile(r"({{.*?}})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an Ollama model is made, but for its weights. Empty means: as the weights' own file says."""

    template: str = ""
    system: str = ""
    license: str = ""
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def for_stories(self, num_ctx: int) -> Recipe:
        """The same, with our temperature and a window of so many tokens."""
        ours = {"temperature": SamplingOptions().temperature, "num_ctx": num_ctx}
        return replace(self, parameters={**self.parameters, **ours})


def recipe_of(shown: Mapping[str, Any]) -> Recipe:
    """What ``POST /api/show`` tells of a model."""
    told = {key: value for key, value in shown.items() if isinstance(value, str)}
    try:
        commands = dict(parse(told.get("modelfile", "")))
    except RegisterError:
        commands = {}
    return Recipe(
        template=_go_template(told.get("template", "")),
        system=told.get("system", ""),
        license=told.get("license", ""),
        renderer=commands.get("renderer", ""),
        parser=commands.get("parser", ""),
        requires=told.get("requires", ""),
        parameters=_parameters(told.get("parameters", "")),
    )


def render(
    recipe: Recipe, *, name: str, title: str, weights: str, adapter: str = "", notes: Sequence[str] = ()
) -> str:
    """The Modelfile of a version called ``name``. ``weights`` is a file or a model, ``adapter`` a file.

    What a Modelfile cannot hold is left out, and a remark in it says so. Raises ``RegisterError`` where
    nothing true can be written, say for a path with a line break in it.
    """
    recipe, remarks = _writable(recipe)
    told = {
        "weights": weights,
        "adapter": adapter,
        "recipe": recipe,
        "parameters": list(_flat(recipe.parameters)),
    }
    text = (
        _templates().get_template(_TEMPLATE).render(**told, name=name, title=title, notes=[*notes, *remarks])
    )
    if parse(text) != _meant(recipe, weights, adapter):
        raise RegisterError(
            "No Modelfile can be written for this model: there is a sign in a path or parameter that it "
            "cannot hold. Use plain letters in the name of your data folder."
        )
    return text


def _go_template(text: str) -> str:
    """A server may show the file's own Jinja template instead, which it would not take as a TEMPLATE."""
    foreign = "{%" in text or "{{" not in text
    return "" if foreign or text.strip() == _NO_TEMPLATE else text


def _parameters(text: str) -> dict[str, Value]:
    """Lines of a name and a value, as Go's ``%#v`` writes it; what is told more than once is a list."""
    found: dict[str, list[str | int | float | bool]] = {}
    for line in text.splitlines():
        name, _, told = line.strip().partition(" ")
        if _PARAMETER.fullmatch(name):
            found.setdefault(name, []).append(_go_value(told.strip()))
    return {
        name: values[0] if len(values) == 1 and name != "stop" else [str(value) for value in values]
        for name, values in found.items()
    }


def _go_value(text: str) -> str | int | float | bool:
    try:
        value = ast.literal_eval(text) if text.startswith('"') else json.loads(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, str | int | float) else text


def _flat(parameters: Mapping[str, Value]) -> Iterator[Command]:
    for name, value in parameters.items():
        for each in value if isinstance(value, list) else [value]:
            yield name, each if isinstance(each, str) else json.dumps(each)


def _writable(recipe: Recipe) -> tuple[Recipe, list[str]]:
    """The recipe as far as a Modelfile can hold it, and what to say of the rest."""
    template = _escaped(recipe.template)
    license_text = printable(recipe.license)  # all that it can lose are page breaks
    out = [
        what
        for what, text in (("template", template), ("system", recipe.system), ("license", license_text))
        if MARKS in text or text != printable(text)
    ]
    remarks = [
        f"The base's {what} is left out here: it has signs in it that a Modelfile cannot hold. "
        "storaiteller-finetune register keeps it."
        for what in out
    ]
    kept = replace(
        recipe,
        template="" if "template" in out else template,
        system="" if "system" in out else recipe.system,
        license="" if "license" in out else license_text,
    )
    return kept, remarks


def _escaped(template: str) -> str:
    """A Go template that says the same without three quotation marks in its literal text."""
    return "".join(
        part if part.startswith("{{") else part.replace(MARKS, '""{{ "\\"" }}')
        for part in _ACTION.split(template)
    )


def _meant(recipe: Recipe, weights: str, adapter: str) -> list[Command]:
    before = [
        ("from", weights),
        ("adapter", adapter),
        ("renderer", recipe.renderer),
        ("parser", recipe.parser),
        ("requires", recipe.requires),
        ("template", recipe.template),
        ("system", recipe.system),
    ]
    after = [("license", recipe.license)]
    return [
        *(each for each in before if each[1]),
        *_flat(recipe.parameters),
        *(each for each in after if each[1]),
    ]


def _templates() -> ImmutableSandboxedEnvironment:
    here = Path(__file__).resolve().parent
    templates = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([here / "modelfiles", here.parent / "modelfiles"]),  # a wheel, a checkout
        undefined=StrictUndefined,
        autoescape=False,  # Modelfiles, not HTML: see render
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {"argument": _argument, "text": _text, "words": _words}
    return templates


def _argument(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return _text(value) if '"' in value or "\n" in value else f'"{value}"'


def _text(value: str) -> str:
    return f"{MARKS}{value}{MARKS}"


def _words(text: str) -> str:
    """On one line, whatever it was."""
    return " ".join(printable(text).split())

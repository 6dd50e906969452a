"""What the model was asked, as the text that a preference pair keeps."""

from __future__ import annotations

from storaiteller.api.protocol import Continue, Generate, WriteRequest
from storaiteller.prompts import continue_prompt, rewrite_prompt, story_prompt


def prompt_of(asked: WriteRequest) -> str:
    """All that the model saw for this request, as one text."""
    if isinstance(asked, Generate):
        return story_prompt(asked.settings)
    if isinstance(asked, Continue):
        return continue_prompt(asked.settings, asked.text)
    return rewrite_prompt(asked.settings, asked.passage, asked.instruction)

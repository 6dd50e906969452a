"""How a passage is to be written anew, as the socket and ``POST /redopartofstory`` both take it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from storaiteller.errors import InvalidRequestError
from storaiteller.story import Action, Instruction, Register, StoryText, Wish


class WishFields(BaseModel):
    """``register`` belongs to the action of that name, and to no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instruction: Instruction = ""
    action: Action = Action.REWRITE
    # Pydantic's own classes have a method of that name.
    to_register: Register | None = Field(default=None, alias="register", validate_default=True)
    opening: StoryText = ""

    @field_validator("to_register")
    @classmethod
    def _goes_with_its_action(cls, register: Register | None, info: ValidationInfo) -> Register | None:
        wanted = info.data.get("action") is Action.REGISTER
        if wanted and register is None:
            raise InvalidRequestError(
                f"Say in which register: one of {', '.join(Register)}.", field="register"
            )
        if register is not None and not wanted and "action" in info.data:
            raise InvalidRequestError("A register goes with the action register only.", field="register")
        return register

    @property
    def wish(self) -> Wish:
        return Wish(self.action, self.instruction, self.to_register, self.opening)

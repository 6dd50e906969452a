"""The rows of the preference ledger: pairs of answers to CSV bytes and back. Pure, no I/O."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

from storaiteller.ledger_csv import decode_fields, digest_of, encode_fields, header_of

COLUMNS = (
    "Prompt",
    "Chosen",
    "Rejected",
    "PairId",
    "Kind",
    "Standing",
    "Reason",
    "StoryId",
    "ChoiceId",
    "Settings",
    "Model",
    "PromptVersion",
    "CreatedAt",
)
HEADER = header_of(COLUMNS)

COUNTS, STRUCK_OUT = 1, 0

Kind = Literal["passage", "insertion", "story"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """For ``prompt`` the writer wants ``chosen`` rather than ``rejected``, and where that comes from.

    ``chosen`` is empty where a story is not for the writer, and none with its prompt is good so far.
    ``choice_id`` is the same for all pairs of one choice. ``story_id`` may be empty. ``settings_json``
    is whatever JSON the caller wants back.
    """

    prompt: str
    chosen: str
    rejected: str
    pair_id: str
    kind: Kind
    reason: str
    story_id: str
    choice_id: str
    settings_json: str
    model: str
    prompt_version: str

    @property
    def is_verdict(self) -> bool:
        """Whether this is *Not for me*, said of a whole story: its ``chosen`` follows the good stories."""
        return self.pair_id == verdict_id(self.story_id)

    @property
    def sides(self) -> bytes:
        """The same for pairs of the same two texts, this way round, in the same place, whatever the prompt.

        A passage belongs to its story; a whole story is told by its words alone.
        """
        return self._sides(self.chosen, self.rejected)

    @property
    def opposite(self) -> bytes:
        """The ``sides`` of the pair the other way round."""
        return self._sides(self.rejected, self.chosen)

    def _sides(self, chosen: str, rejected: str) -> bytes:
        place = "" if self.kind == "story" else self.story_id
        return digest_of("\0".join((self.kind, place, chosen, rejected)))

    def digest(self) -> bytes:
        """The same for two pairs exactly when every field is; the choice, standing and time do not count."""
        fields = replace(self, choice_id="")
        return hashlib.sha256(encode_fields(getattr(fields, name) for name in _FIELDS)).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow(Preference):
    """A pair as it stands in the ledger: ``standing`` COUNTS or STRUCK_OUT.

    ``created_at``, in ISO 8601, is when the choice was made: striking it out does not change it.
    """

    standing: int
    created_at: str

    @property
    def counts(self) -> bool:
        """Whether there is something to learn from it."""
        return self.standing == COUNTS and self.chosen != ""


class PairNote(NamedTuple):
    """What of a row stays in memory."""

    standing: int
    created_at: str
    digest: bytes
    choice_id: str
    is_verdict: bool
    is_waiting: bool
    prompt: bytes
    sides: bytes

    @classmethod
    def of(cls, row: PairRow) -> PairNote:
        return cls(
            standing=row.standing,
            created_at=row.created_at,
            digest=row.digest(),
            choice_id=row.choice_id,
            is_verdict=row.is_verdict,
            is_waiting=row.chosen == "",
            prompt=digest_of(row.prompt),
            sides=row.sides,
        )


_FIELDS = tuple(Preference.__dataclass_fields__)


def pair_id(kind: Kind, prompt: str, chosen: str, rejected: str) -> str:
    """The id of a pair of answers, made from its content: the same pair twice is one."""
    return _id(kind, prompt, chosen, rejected)


def verdict_id(story_id: str) -> str:
    """The id of the pair that *Not for me* makes of a story: a story has one verdict, the last."""
    return _id("not for me", story_id)


def standing_row(pair: Preference, standing: int, created_at: str = "") -> PairRow:
    """``pair`` as it stands; made now, unless a time is given."""
    at = created_at or datetime.now(UTC).isoformat(timespec="milliseconds")
    return PairRow(**{name: getattr(pair, name) for name in _FIELDS}, standing=standing, created_at=at)


def encode(row: PairRow) -> bytes:
    """A row as it stands. ``UnicodeEncodeError`` for a lone surrogate."""
    fields = asdict(row)
    return encode_fields(str(fields[name]) for name in _NAMES)


def decode(raw: bytes) -> PairRow:
    """One whole row; ``ValueError`` when it is not one of ours."""
    fields = dict(zip(_NAMES, decode_fields(raw, len(COLUMNS)), strict=True))
    standing = fields.pop("standing")
    if standing not in ("0", "1"):
        raise ValueError("its standing is neither 0 nor 1")
    if fields["kind"] not in get_args(Kind):
        raise ValueError("its kind is not known")
    return PairRow(**fields, standing=int(standing))  # type: ignore[arg-type]  # the kind is one of them


_NAMES = (
    "prompt",
    "chosen",
    "rejected",
    "pair_id",
    "kind",
    "standing",
    "reason",
    "story_id",
    "choice_id",
    "settings_json",
    "model",
    "prompt_version",
    "created_at",
)
"""The fields of a row in the order of its columns."""


def _id(*parts: str) -> str:
    return hashlib.sha256(encode_fields(parts)).hexdigest()[:32]

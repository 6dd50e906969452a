"""What the learning loop raises on purpose, one sentence a class; messages are for the writer.

``code`` is stable and meant for programs, as in ``storaiteller.errors``. Whatever is raised, the model
that was active before goes on writing.
"""

from __future__ import annotations

from storaiteller.errors import StoraitellerError


class LearnError(StoraitellerError):
    """Base of all of them."""

    code = "learning_failed"


class SkippedError(LearnError):
    """There is nothing to learn from now, and that is no fault; the message says what is missing."""

    code = "skipped"


class BusyError(LearnError):
    """Another learning run holds the lock."""

    code = "busy"


class MissingPartsError(LearnError):
    """The training libraries are not installed; the message says how to install them."""

    code = "training_not_installed"


class StageMissingError(LearnError):
    """A stage needs what an earlier one makes, and that is not there yet."""

    code = "stage_missing"


class UnusableBaseError(LearnError):
    """The model cannot be tuned: its file is missing, damaged, or of an architecture we do not know."""

    code = "unusable_base"


class AdapterMismatchError(LearnError):
    """An adapter was made for other weights; the message names the tensor and both shapes."""

    code = "adapter_mismatch"


class UnsupportedAdapterError(LearnError):
    """An adapter touches what cannot be converted: embeddings, the output layer, DoRA."""

    code = "unsupported_adapter"


class TrainingFailedError(LearnError):
    """The loss became not a number, memory ran out twice, or time was up before the first epoch."""

    code = "training_failed"


class NoRoomError(LearnError):
    """The disk is too full; the message says how much is needed and where."""

    code = "no_room"


class RegisterError(LearnError):
    """An Ollama server refused or failed; the embedded version stands all the same."""

    code = "register_failed"


class ImportRefusedError(LearnError):
    """A file to import from cannot be read at all; single refused texts are counted instead."""

    code = "import_refused"


class ScheduleError(LearnError):
    """The nightly run could not be scheduled, asked about or removed."""

    code = "schedule_failed"

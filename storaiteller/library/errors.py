"""What the library may raise, besides ``InvalidRequestError`` for what it cannot keep."""

from __future__ import annotations

from storaiteller.errors import StoraitellerError
from storaiteller.library.values import Story


class LibraryError(StoraitellerError):
    """The library could not be opened, read or changed; nothing of it was changed."""

    code = "library_failed"


class LibraryReadOnlyError(LibraryError):
    """The library's file or folder may not be written."""

    code = "library_read_only"
    status = 507


class LibraryFullError(LibraryError):
    """There is no room on the disk; what was there before is whole."""

    code = "disk_full"
    status = 507


class LibraryNewerError(LibraryError):
    """The library was made by a newer StorAIteller; it was not touched."""

    code = "library_newer"


class StoryMissingError(StoraitellerError):
    """There is no story with this id."""

    code = "no_story"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "This story is not in the library any more: it was deleted for good, perhaps in another window. "
            "Go back to the library and choose another."
        )


class VersionMissingError(StoraitellerError):
    """A story has no version with this number."""

    code = "no_version"
    status = 404

    def __init__(self, number: int, count: int) -> None:
        there_are = f"1 to {count:,}" if count else "none yet"
        super().__init__(f"This story has no version {number}. There are: {there_are}.")


class TooManyPassagesError(StoraitellerError):
    """A story has as many passages as are kept; what there is of them stays."""

    code = "too_many_passages"
    status = 409

    def __init__(self, limit: str) -> None:
        super().__init__(
            f"The takes of this passage were not kept: this story has {limit} already, as many as are kept. "
            "Delete earlier takes that you do not need any more; the story itself loses nothing by it."
        )


class TooManyTakesError(StoraitellerError):
    """A passage has as many takes as are kept, with those of another window; what there is of them stays."""

    code = "too_many_takes"
    status = 409

    def __init__(self, limit: str) -> None:
        super().__init__(
            "The new takes of this passage were not kept: with those that it has already, perhaps from "
            f"another window, they are more than {limit}. Accept or close them, and ask anew: that begins a "
            "new list."
        )


class TooManyFavouritesError(StoraitellerError):
    """There are as many favourite instructions as are kept."""

    code = "too_many_favourites"
    status = 409

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are {limit} favourites, as many as are kept. Remove one of them first.")


class ConflictError(StoraitellerError):
    """The story was changed since it was read, by another window or program; ``current`` is how it is now."""

    code = "conflict"
    status = 409

    def __init__(self, current: Story) -> None:
        super().__init__(
            "This story was changed elsewhere since you opened it here, so it was not saved over. "
            "Take over the other text, or keep yours as a story of its own."
        )
        self.current = current


class NotInTrashError(StoraitellerError):
    """Only a story in the trash can be deleted for good."""

    code = "not_in_trash"
    status = 409

    def __init__(self) -> None:
        super().__init__("Only a story in the trash can be deleted for good. Move it to the trash first.")

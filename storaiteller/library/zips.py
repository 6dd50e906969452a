"""Zip files that nobody can trust: read in blocks, and never further than allowed.

What a zip says of its own sizes is no more than a claim; what counts is what comes out of it. Nothing is
ever written to the disk, and a name in it is only compared.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

_BLOCK = 64 * 1024
_ENCRYPTED = 0x1
_METHODS = (ZIP_STORED, ZIP_DEFLATED)  # the others may need gigabytes to unpack a few bytes
_DAMAGES = (
    BadZipFile,
    LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    OSError,
)
"""What the standard library raises over bytes that are no zip, or one that was tampered with."""


class UnfitZipError(Exception):
    """Base of what may be wrong with a zip, for its reader to put into a sentence."""


class DamagedZipError(UnfitZipError):
    """It is no zip, or was cut short, altered, or packed in a way that is not known here."""


class EncryptedZipError(UnfitZipError):
    """There is a password on it."""


class TooLargeError(UnfitZipError):
    """More comes out of it than is allowed."""


@contextmanager
def opened(file: BinaryIO, *, most_directory_bytes: int) -> Iterator[ZipFile]:
    """The zip in ``file``, its list of entries checked and not longer than allowed.

    No two entries have the same name, none is encrypted. Raises an ``UnfitZipError``.
    """
    with damages_told():
        archive = ZipFile(_Cautious(file, most_directory_bytes))
    with archive:
        entries = archive.infolist()
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise EncryptedZipError
        if any(entry.compress_type not in _METHODS for entry in entries):
            raise DamagedZipError
        if len({entry.filename for entry in entries}) < len(entries):
            raise DamagedZipError
        yield archive


def unpacked(archive: ZipFile, entry: ZipInfo, most: int) -> bytes:
    """All of an entry, its checksum compared, in memory. ``TooLargeError`` beyond ``most`` bytes."""
    if entry.file_size > most:
        raise TooLargeError
    data = bytearray()
    with damages_told(), archive.open(entry) as stream:
        while block := stream.read(_BLOCK):
            data += block
            if len(data) > most:
                raise TooLargeError
    return bytes(data)


@contextmanager
def damages_told() -> Iterator[None]:
    """Whatever the standard library stumbles over is a ``DamagedZipError``."""
    try:
        yield
    except _DAMAGES as error:
        raise DamagedZipError from error


class _Cautious(io.RawIOBase):
    """A file that hands out no more than ``most`` bytes at once.

    ``ZipFile`` reads the list of entries in one go, as long as it claims to be, and makes an object of
    each: a million of them fit into a small upload, and not into the memory.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._most = max(most, 128 * 1024)  # what is read to find the list

    def read(self, size: int = -1, /) -> bytes:
        if size > self._most:
            raise BadZipFile("the list of entries is too long")
        return self._file.read(size if size >= 0 else self._most)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

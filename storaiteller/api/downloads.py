"""What a file is called that a browser saves. Pure."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_MAX_CHARACTERS = 80
_MAX_BYTES = 180
"""With an ending and a browser's “ (1)”, names of more bytes do not fit every file system."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that a name hides, turns around or breaks at."""

_NOT_IN_NAMES = str.maketrans('/\\:*?<>|"', "--------'")
_OF_WINDOWS = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\..*)?", re.IGNORECASE)
_UNRESERVED = "!#$&+-.^_`|~"
"""Besides letters and digits, what RFC 8187 lets stand as it is."""


def file_name(title: str, ending: str, otherwise: str = "story") -> str:
    """A name for a file with this title, which no system takes for a path or for a device."""
    seen = "".join(" " if unicodedata.category(one) in _INVISIBLE else one for one in title)
    name = " ".join(seen.translate(_NOT_IN_NAMES).split())[:_MAX_CHARACTERS]
    name = name.encode()[:_MAX_BYTES].decode(errors="ignore").strip(" .-'")
    if _OF_WINDOWS.fullmatch(name):
        name = f"{name}_"
    return f"{name or otherwise}{ending}"


def attachment(name: str) -> dict[str, str]:
    """The header that has a browser save what comes under ``name`` (RFC 6266), in any script."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "", plain).strip()
    if plain.startswith(".") or not plain:
        plain = f"story{plain}"
    exact = quote(name, safe=_UNRESERVED)
    return {"content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"}

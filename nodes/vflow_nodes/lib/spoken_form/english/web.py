"""English for addresses of the net, files and the names that people have there."""

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.letters import humps, spaced
from vflow_nodes.lib.spoken_form.english.numbers import ONES, spelled
from vflow_nodes.lib.spoken_form.english.words import (
    DOMAINS,
    EXTENSIONS,
    LETTER_DOMAINS,
    SAID_EXTENSIONS,
    word_set,
)
from vflow_nodes.lib.spoken_form.long_words import is_code

_SCHEME = re.compile(r"(?:https?|ftp|wss?|file)://", re.IGNORECASE)
_HOST = re.compile(
    r"([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8})(?::([0-9]{1,5}))?(/[^\s?#]*)?([?#]\S*)?"
)
_MAIL = re.compile(r"(?:mailto:)?([A-Za-z0-9._%+'-]{1,64})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6})")
_HANDLE = re.compile(r"@([A-Za-z][A-Za-z0-9_.]{0,40})")
_TAG = re.compile(r"#([A-Za-z][A-Za-z0-9_]{0,60})")
_FILE = re.compile(r"([A-Za-z0-9_][\w-]{0,60})\.([A-Za-z0-9]{1,5})")
_DRIVE = re.compile(r"([A-Za-z]):[\\/](.*)")
_PIECES = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]")
_SIGNS = {
    "_": "underscore",
    "'": "apostrophe",
    "-": "dash",
    ".": "dot",
    "+": "plus",
    "/": "slash",
    "%": "percent",
    "~": "tilde",
    ":": "colon",
}
_SPELLED = word_set(
    "bbc cnn ibm nbc cbs mit nyu ucla html css php sql ftp api etc usr lib src tmp www ups fbi irs dmv aws"
)
_PATH_PARTS = 3
"""Most parts of a path that are said; of a longer address only the domain is."""
_PATH_LETTERS = 32


def address(core: str, everything: bool) -> str:
    """Say a URL or a domain; '' for any other word. everything: also a long path and its query."""
    scheme = _SCHEME.match(core)
    bare = core[scheme.end() :] if scheme else core
    found = _HOST.fullmatch(bare)
    if found is None:
        return "a web address" if scheme else ""
    host, port, path, query = found.groups()
    if not (scheme or _is_host(host, port, path)):
        return ""
    said = domain(host)
    if port:
        said += f" port {spelled(port)}"
    path = (path or "").rstrip("/")
    if everything:
        return f"{said} {pieces(path + (query or ''))}".strip()
    if not path or query or path.count("/") > _PATH_PARTS or len(path) > _PATH_LETTERS or is_code(path):
        return said
    return f"{said} {pieces(path)}"


def _is_host(host: str, port: str | None, path: str | None) -> bool:
    parts = host.split(".")
    last = parts[-1]
    if host.startswith("www.") or (host == "localhost" and port):
        return True
    if len(parts) < 2 or not parts[0] or (host[0].isdigit() and last.isdigit()):
        return False
    if last in DOMAINS:
        return True
    return (
        last in LETTER_DOMAINS
        and (len(parts) > 2 or bool(path) or last in ("io", "ai", "tv"))
        and host.islower()
    )


def domain(host: str) -> str:
    """Say the parts of a domain with their dots."""
    parts = host.split(".")
    said = []
    for at, part in enumerate(parts):
        low = part.lower()
        if part.isdigit():
            said.append(spelled(part))
        elif at == len(parts) - 1 and len(parts) > 1 and low not in DOMAINS and len(low) <= 3 and low != "co":
            said.append(spaced(part))
        elif low == "co" and at:
            said.append("co")
        else:
            said.append(spaced(part) if len(part) < 3 and part.isalpha() else pieces(part))
    return " dot ".join(filter(None, said))


def mail(core: str) -> str:
    """Say an e-mail address; '' for any other word."""
    found = _MAIL.fullmatch(core)
    return f"{pieces(found.group(1))} at {domain(found.group(2))}" if found else ""


def handle_or_tag(core: str) -> str:
    """Say "@jane" and "#VoteNow"; '' for any other word."""
    if found := _HANDLE.fullmatch(core):
        return f"at {pieces(found.group(1))}"
    if found := _TAG.fullmatch(core):
        return f"hashtag {humps(found.group(1))}"
    return ""


def file_name(core: str) -> str:
    """Say the name of a file with its suffix; '' for any other word."""
    if core[:1] == "." and core[1:].lower() in EXTENSIONS:
        return f"dot {ending_letters(core[1:])}"
    found = _FILE.fullmatch(core)
    if found is None or found.group(2).lower() not in EXTENSIONS or len(core) < 4:
        return ""
    name, ending = found.groups()
    low = ending.lower()
    if low == "js" and name.lower() in ("node", "vue", "next", "nuxt", "three"):
        return f"{name} J S"
    if low in ("json", "doc"):
        return f"{pieces(name)} dot {'Jason' if low == 'json' else low}"
    return f"{pieces(name)} dot {low if low in SAID_EXTENSIONS else ending_letters(low)}"


def ending_letters(ending: str) -> str:
    """Say the letters and digits of a file's suffix: "M P three"."""
    return " ".join(ONES[int(c)] if c in "0123456789" else c.upper() for c in ending)


def path(core: str) -> str:
    """Say the path of a file; '' for any other word."""
    if "\\" in core[1:-1] and core[0].isalnum() and ":" not in core:
        return ", ".join(file_name(part) or pieces(part) for part in core.split("\\") if part)
    if found := _DRIVE.fullmatch(core):
        inner = [file_name(part) or pieces(part) for part in re.split(r"[\\/]", found.group(2)) if part]
        return ", ".join([f"{found.group(1).upper()} drive", *inner])
    if core.startswith("~/") and len(core) > 2:
        return f"home {_file_path(core[1:])}"
    if (core[:1] == "/" and len(core) > 2 and core[1].isalpha()) or (
        core[:2] in ("./", "..") and core[-1:].isalpha()
    ):
        return _file_path(core.lstrip("."))
    return ""


def _file_path(text: str) -> str:
    parts = filter(None, text.split("/"))
    return " ".join(f"slash {file_name(part) or pieces(part)}" for part in parts)


def pieces(text: str) -> str:
    """Say each part of a name: words as words, digits one by one, signs by their names."""
    said = []
    for piece in _PIECES.findall(text):
        if piece.isdigit() and piece.isascii():
            said.append(spelled(piece))
        elif piece.isalpha():
            said.append(_word(piece))
        else:
            said.append(_SIGNS.get(piece, ""))
    return " ".join(filter(None, said))


def _word(piece: str) -> str:
    if len(piece) == 1 or piece.lower() in _SPELLED or (piece.isupper() and len(piece) < 4):
        return spaced(piece)
    if len(piece) < 6 and not (piece.islower() or piece.isupper() or piece.istitle()):
        return spaced(piece)
    if len(piece) < 5 and not set(piece.lower()) & set("aeiouy"):
        return spaced(piece)
    return piece

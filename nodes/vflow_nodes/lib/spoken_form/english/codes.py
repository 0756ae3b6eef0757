"""English for phone numbers, codes of letters and digits, versions and addresses of machines."""

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.currencies import AFTER_AMOUNT
from vflow_nodes.lib.spoken_form.english.letters import spaced
from vflow_nodes.lib.spoken_form.english.numbers import (
    ONES,
    cardinal,
    code,
    number,
    plural,
    spelled,
    year,
)
from vflow_nodes.lib.spoken_form.english.symbols import NAMES, OPERATORS
from vflow_nodes.lib.spoken_form.english.words import (
    CODE_NEXT,
    COMMON,
    RESPELLED,
    SAID_AS_WORDS,
    is_versioned,
    word_set,
)
from vflow_nodes.lib.spoken_form.reading import Look, Reading, Stage

_PHONE = re.compile(r"(?:\+?[0-9]{1,3}[-.])?(?:\(?[0-9]{3}\)?[-.])?[0-9]{3}[-.][0-9]{4}")
_SHORT = re.compile(r"([0-9]{3})-([0-9]{4})")
_PREFIX = re.compile(r"\+[0-9]{1,3}(?:-[0-9]{2,4})*")
_LONG = re.compile(r"\+[0-9]{7,15}")
_GROUP = re.compile(
    r"[0-9]{1,8}(?:-[0-9]{2,5})*|\([0-9]{2,4}\)(?:[0-9]{2,4}-[0-9]{4})?|\(0\)[0-9]{1,5}(?:-[0-9]{2,8})*"
)
_DIGIT_GROUPS = re.compile(r"[0-9]{2,8}(?:-[0-9]{2,12})+|[0-9]{1,8}(?:-[0-9]{1,8}){2,}")
_POSTAL = re.compile(r"[0-9]{5}-[0-9]{4}|0[0-9]{1,5}/[0-9]{3,9}")
_IPV4 = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::([0-9]{1,5})|/([0-9]{1,2}))?")
_IPV6 = re.compile(r"(?=[0-9a-fA-F:]*:[0-9a-fA-F:]*:)(?=.*[0-9])[0-9a-fA-F:]{3,39}")
_VERSION = re.compile(r"[vV]?([0-9]{1,4}(?:\.[0-9]{1,6}){1,4})((?:-?(?:alpha|beta|rc|dev|b|a)\.?[0-9]*)?)")
_ONLY_VERSION = re.compile(r"v([0-9]{1,4})")
_MIXED = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_ORDINAL = re.compile(r"[0-9]+(?:st|nd|rd|th)(?:-|$)")
_FORMULA = re.compile(r"(?:(?:Na|Cl|Ca|Mg|Fe|Cu|Zn|Ag|Al|Si|Br|[HCNOSPFKI])(?:[2-9]|[1-9][0-9])?){2,}")
_PLURAL = re.compile("[0-9]+s")
_PIECES = re.compile(r"[0-9]+(?:\.[0-9]+)?|[A-Za-z]+|\S")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,40}")
_SIGNS = {
    "-": "dash",
    "_": "underscore",
    ".": "dot",
    "/": "slash",
    "*": "star",
    "#": "hash",
    "?": "question mark",
}
_FISCAL = re.compile(r"(FY|CY)([12][0-9]{3})")
_RUNS = re.compile(r"[0-9]+|[A-Za-z]+")
_CALLS = word_set("call dial text phone at number fax is tel on")
_PHONES = word_set("phone telephone tel mobile cell fax call text dial whatsapp")
_TEXTED = frozenset(("text", "texting", "sms"))
_EXTENSION = re.compile("[xX]([0-9]{1,6})")
_SHORT_NUMBERS = frozenset(("911", "988", "311", "411", "211", "511", "811", "999", "112"))


def phone(look: Look) -> Reading | None:
    """Read a phone number, also one of several words, and other groups of digits."""
    first, before = look.first, look.before
    core = first.core
    if core in _SHORT_NUMBERS and before.word.lower() in ("call", "dial", "text", "to"):
        return Reading(1, spelled(core) + first.mark, "digits")
    if before.kind == "phone" and _GROUP.fullmatch(_bracketed(first.text, core)):
        return Reading(1, spelled(re.sub(r"[^0-9]+", ",", core)) + first.mark, "phone")
    if before.kind in ("digits", "phone") and (found := _EXTENSION.fullmatch(core)):
        return Reading(1, f"extension {spelled(found[1])}{first.mark}", "digits")
    if core.isdigit() and len(core) in (5, 6) and before.near(_TEXTED) and not first.lead:
        return Reading(1, code(core) + first.mark, "digits")
    if look.cut() and core[0] == "+" and core[1:].isdigit() and len(core) < 5:
        return Reading(1, f"plus {spelled(core[1:])}", "phone")
    if _POSTAL.fullmatch(core):
        return Reading(1, spelled(re.sub(r"[^0-9]", ",", core)) + first.mark, "digits")
    if _LONG.fullmatch(core):
        return Reading(1, f"plus {code(core[1:])}{first.mark}", "digits")
    if _PHONE.fullmatch(core) and not (_SHORT.fullmatch(core) and _is_range(core, before.word)):
        said = spelled(re.sub(r"[-.()]+", ",", core.lstrip("+")).strip(","))
        return Reading(1, ("plus " if core[0] == "+" else "") + said + first.mark, "digits")
    bracketed = first.lead.endswith("(") and first.tail.startswith(")")
    if (bracketed and core.isdigit() and len(core) == 3) or (_PREFIX.fullmatch(core) and len(core) > 1):
        return _groups(look)
    if core.isdigit() and 7 <= len(core) <= 11 and before.word.lower() in _PHONES:
        return Reading(1, code(core) + first.mark, "digits")
    if core.isdigit() and not first.tail and (2 <= len(core) <= 5 or _is_thousands(look)):
        return _plain_groups(look)
    return None


def _is_thousands(look: Look) -> bool:
    """Tell whether one digit begins "1 000 000"."""
    if len(look.first.core) > 1 or (following := look.at(1)) is None:
        return False
    if following.core == "000":
        return True
    return len(following.core) == 3 and following.core.isdigit() and _is_amount(look, 2)


def _is_range(core: str, before: str) -> bool:
    """Tell whether "500-1000" is a range: two round numbers that no word announces as a phone number."""
    low, _, high = core.partition("-")
    return before.lower() not in _CALLS and high[0] != "0" and low[0] != "0" and low[1:] == "00" == high[2:]


def _groups(look: Look) -> Reading | None:
    """Read the groups of a phone number that begins with a bracket or a country's code."""
    groups = [look.first.core]
    count = 1
    if look.first.tail in ("", ")"):
        while (word := look.at(count)) is not None and _GROUP.fullmatch(_bracketed(word.text, word.core)):
            groups.append(word.core)
            count += 1
            if word.mark:
                break
    digits = "".join(filter(str.isdigit, "".join(groups)))
    cut = look.stage is Stage.RELEASE and count == len(look.words)
    if count == 1 or (len(digits) < 7 and not cut):
        return None
    said = spelled(re.sub(r"[^0-9]+", ",", ",".join(groups)).strip(","))
    plus = "plus " if groups[0][0] == "+" else ""
    return Reading(count, plus + said + look.words[count - 1].mark, "phone" if cut else "digits")


def _bracketed(text: str, core: str) -> str:
    return text.rstrip(".,;:!?") if text.startswith("(") else core


def _plain_groups(look: Look) -> Reading | None:
    """Read digits in groups separated by spaces: a phone number, a card's, or thousands."""
    groups = [look.first.core]
    while not look.words[len(groups) - 1].mark and (word := look.at(len(groups))) is not None:
        if not (word.core.isascii() and word.core.isdigit() and not word.lead and 2 <= len(word.core) <= 6):
            break
        groups.append(word.core)
    if len(groups) == 1:
        return None
    mark = look.words[len(groups) - 1].mark
    sizes = [len(group) for group in groups]
    if look.before.code or look.before.word.lower() in CODE_NEXT:
        return Reading(len(groups), spelled(" ".join(groups)) + mark, "digits")
    thousands = sizes[0] <= 3 and set(sizes[1:]) == {3} and groups[0][0] != "0"
    if thousands and (len(groups) > 2 or groups[1] == "000" or _is_amount(look, len(groups))):
        return Reading(len(groups), cardinal("".join(groups)) + mark, "number", "2")
    national = groups[0][0] == "0" and 9 <= sum(sizes) <= 11
    if (
        national
        or (len(groups) > 2 and sum(sizes) >= 9)
        or sizes == [3, 4]
        or (sizes[0] == 3 and sizes[1:] == [3, 4])
    ):
        return Reading(len(groups), spelled(" ".join(groups)) + mark, "digits")
    return None


def _is_amount(look: Look, at: int) -> bool:
    """Tell whether a currency follows two groups: "1 200 PLN"."""
    following = look.after(at - 1)
    return following is not None and following.core in AFTER_AMOUNT


def digit_groups(core: str) -> str:
    """Say a code of digit groups with hyphens: three or more groups, or a leading zero. Return '' for two
    plain groups, which are a range, and for other text."""
    if not _DIGIT_GROUPS.fullmatch(core):
        return ""
    groups = core.split("-")
    if len(groups) == 2 and groups[1][0] != "0" and groups[0][0] != "0":
        return ""
    if len(groups) > 2 and all(len(group) < 3 and group[0] != "0" for group in groups) and len(core) > 5:
        return ", ".join(map(cardinal, groups))
    return spelled(core.replace("-", "") if all(len(group) == 1 for group in groups) else core)


def machine(core: str) -> str:
    """Say an address of the internet protocol; '' for any other word."""
    if found := _IPV4.fullmatch(core):
        address, port, bits = found.groups()
        said = " dot ".join(spelled(part) for part in address.split("."))
        if port:
            return f"{said} port {spelled(port)}"
        return f"{said} slash {cardinal(bits)}" if bits else said
    if _IPV6.fullmatch(core) and ("::" in core or not core.replace(":", "").isdigit()):
        return " ".join("colon" if c == ":" else ONES[int(c)] if c.isdigit() else c.upper() for c in core)
    return ""


def version(core: str, named: bool) -> str:
    """Say a version. named: a program's name comes before it, so that one point is enough."""
    if found := _ONLY_VERSION.fullmatch(core):
        return f"version {cardinal(found.group(1))}"
    found = _VERSION.fullmatch(core)
    if not found:
        return ""
    parts = found.group(1).split(".")
    if not (named or core[0] in "vV" or len(parts) > 2):
        return ""
    said = " point ".join(spelled(p) if p[0] == "0" else cardinal(p) for p in parts)
    if found.group(2):
        said += " " + " ".join(_run(run, 1) for run in _RUNS.findall(found.group(2)))
    return f"version {said}" if core[0] in "vV" else said


def version_of(look: Look) -> str:
    """Say the first word as a version; '' if it is none. The word "version" is said once."""
    word = look.before.word
    said = version(look.first.core, is_versioned(word))
    return said.removeprefix("version ") if word.lower() in ("version", "release") else said


def mixed(core: str) -> str:
    """Say a code of letters and digits: "A-1042B", "MP3", "12B"; '' for any other word."""
    if not _MIXED.fullmatch(core) or _ORDINAL.match(core):
        return ""
    if _FORMULA.fullmatch(core) and not core.isalpha():
        return " ".join(cardinal(run) if run.isdigit() else spaced(run) for run in _RUNS.findall(core))
    if any(_PLURAL.fullmatch(part) for part in core.split("-")) and "-" in core and not core[0].isupper():
        return ""
    if all(part.isdigit() or (part.islower() and part.isalpha()) for part in core.split("-")):
        return ""
    if found := _FISCAL.fullmatch(core):
        return f"{spaced(found.group(1))} {year(found.group(2))}"
    if not any(map(str.isdigit, core)) or not any(map(str.isalpha, core)):
        return ""
    runs = _RUNS.findall(core)
    single = (len(runs) > 3 and "-" not in core) or (core.isupper() and len(runs) > 3)
    said = []
    for at, run in enumerate(runs):
        words = spelled(run) if single and run.isdigit() else _run(run, len(runs))
        if words == "A" and at + 1 < len(runs):
            words = "A,"  # before digits a voice takes a bare A for the article
        said.append(words)
    if runs[-1] == "s" and len(runs) > 1 and runs[-2].isdigit():
        return " ".join([*said[:-2], plural(said[-2])])
    return " ".join(said)


def in_groups(core: str) -> str:
    """Say a long code letter by letter, with a pause after each four."""
    return ", ".join(spaced(core[at : at + 4]) for at in range(0, len(core), 4))


def is_mixed(core: str) -> bool:
    """Tell whether a word is a code of capitals and digits."""
    return core.isalnum() and core.isupper() and any(map(str.isdigit, core))


def single(core: str) -> str:
    """Say the letters and digits of a code one by one: "D E eight nine"; '' for any other word."""
    return spaced(core) if core.isascii() and is_mixed(core) else ""


def _run(run: str, runs: int) -> str:
    if run.isdigit():
        return spelled(run) if len(run) > 2 or run[0] == "0" else cardinal(run)
    if run in RESPELLED:
        return RESPELLED[run]
    if not run.isupper() and len(run) < 5 and sum(map(str.isupper, run)) > 1:
        return spaced(run)
    if len(run) > 2 and (not run.isupper() or run in SAID_AS_WORDS or (run in COMMON and len(run) > 3)):
        return run
    return run if runs > 4 and len(run) > 3 else spaced(run)


def leftover(core: str) -> str:
    """Say a word of digits, letters and signs that nothing else reads, piece by piece."""
    said: list[str] = []
    for piece in _PIECES.findall(core):
        if piece[0] in "0123456789":
            said.append(number(piece))
        elif piece.isalpha():
            ordinary = len(piece) > 2 and (piece.islower() or piece.istitle())
            said.append(piece if ordinary else spaced(piece) if len(piece) < 6 else piece.lower())
        elif piece in ",;:":
            said.append(piece)
        else:
            said.append(NAMES.get(piece) or OPERATORS.get(piece) or _SIGNS.get(piece, ""))
    return re.sub(" (?=[,;:])", "", " ".join(filter(None, said))).rstrip(",;:")


def hexadecimal(core: str) -> str:
    """Say "0x80A7"; '' for any other word."""
    if not _HEX.fullmatch(core):
        return ""
    return " ".join(ONES[int(c)] if c in "0123456789" else c.upper() for c in core)

"""Tell whether an English amount describes the noun after it: "two five-dollar bills", "a ten-foot pole"."""

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.units import DOTTED_UNITS
from vflow_nodes.lib.spoken_form.english.words import BEGINNERS, word_set
from vflow_nodes.lib.spoken_form.reading import Before, Look
from vflow_nodes.lib.spoken_form.word import Word

_OPEN = word_set("a an another one two three four five six seven eight nine ten eleven twelve several few")
"""After these the noun may be a name: "a $5 Starbucks card"."""
_ARTICLES = _OPEN | word_set(
    "the this that his her its your my our their each every some many any these those both no single"
    " brand new big small standard typical additional extra"
)
_FORMULA = re.compile(r"(?=.*[a-z0-9])(?:[A-Z][a-z]?[0-9]{0,2}){2,4}|KOH|EDTA|Tris|glucose|sucrose")
_LETTERS = re.compile("[A-Za-z]+$")
_CONTRACTED = word_set("he she it that what there here who where how when why let")
_BY = ("x", "×", "by")  # noqa: RUF001
_NO_NOUNS = word_set(
    "is was are were be been will would has have had for to from in on at by of or and but per you i we"
    " he she it they a an the off more less back each total now today can could may might must shall"
    " should does do did with that which extra plus minus as if so then when because into out up down"
    " over under away ago later left here there just only than until till through since before after"
    " without within about above below near north south east west apart further farther closer behind"
    " ahead not also too either both all spent paid went came got made won lost saved sent cost costs"
    " means equals makes gives takes tomorrow yesterday tonight upfront covers buys pays gets goes comes"
    " helps lets includes needs leaves adds keeps brings works stays lasts seems looks feels overall"
    " instead depending between during"
)
_ENDS_IN_ED = word_set("bed seed red shed feed weed sled speed thread bread")
MONEY_NOUNS = word_set(
    "bill bills note notes coin coins fee fees ticket tickets tip tips gift deposit deposits discount"
    " discounts coupon coupons charge charges credit credits refund refunds bonus bonuses fine fines"
    " voucher vouchers copay copays rebate rebates minimum surcharge donation donations toll tolls token"
    " tokens stamp stamps chip chips"
)
"""Nouns that an amount of money describes even without an article: "pay with $5 bills"."""
MEASURED_NOUNS = word_set(
    "battery batteries bulb bulbs cable cables bag bags carton cartons bottle bottles can cans adapter"
    " adapters charger chargers screen screens monitor monitors tank tanks pack packs tablets tablet"
    " pills pill capsules capsule dumbbell dumbbells weights steak steaks fuse fuses outlet outlets"
    " socket sockets band bands ssd drive drives tv tvs laptop laptops pipe pipes nail nails wheel"
    " wheels rims pizza pizzas pan pans pot pots display displays cartridge syringe syringes needle"
    " needles board boards plank planks limit race races swim dash sprint freestyle relay record records"
    " mortgage loan warranty"
)
"""Nouns that a measure describes even without an article: "9V batteries"."""
_LETTERED_NOUNS = word_set(
    "battery batteries cell cells neck necks solution solutions acid buffer vitamin vitamins nuts shirt"
    " shirts tee tees jacket jackets sweater sweaters hoodie hoodies pants shorts size sizes pencil"
    " pencils grade grades student students mask masks glove gloves bra bras seat seats key keys string"
    " strings screw screws lens lenses plug plugs chairs coat coats dress dresses uniform uniforms order"
    " orders"
)
"""Nouns whose kind or size a letter before them names: "3 M batteries", "2 L shirts"."""
_VOLTS = ("V", "W", "A")


def begins_sentence(word: Word | None) -> bool:
    """Tell whether a sentence begins here: no word follows, or one that is no name."""
    return word is None or word.core in BEGINNERS


def is_noun(word: Word | None, open_article: bool = False) -> bool:
    """Tell whether a word can be the noun that an amount before it describes."""
    if word is None or word.lead or not word.core.replace("-", "").isalpha():
        return False
    core = word.core
    if not core.islower():
        return open_article and len(core) > 1
    return core not in _NO_NOUNS and not (core.endswith("ed") and core not in _ENDS_IN_ED)


def describes(look: Look, at: int = 0) -> bool:
    """Tell whether the amount whose last word is at `at` is between an article or a count and its noun."""
    article = _article(look.before)
    if not article or (look.words[at].mark and not own_stop(look.words[at])):
        return False
    following = look.at(at + 1)
    return is_noun(following, article in _OPEN or article.isdigit()) and not begins_sentence(following)


def own_stop(word: Word) -> bool:
    """Tell whether the mark after a word is the full stop of its unit."""
    found = _LETTERS.search(word.core)
    return word.dotted and not word.after and found is not None and found[0] in DOTTED_UNITS


def _article(before: Before) -> str:
    """Return the article or count before an amount, '' for none; in "4 x 6 mm", before the first number."""
    words = before.recent
    if before.paused and before.mark:
        return ""
    while len(words) > 2 and words[-1] in _BY:
        words = words[:-2]
    word = words[-1] if words else before.word.lower()
    owner, apostrophe, _ = word.replace("\u2019", "'").partition("'")
    if apostrophe and owner.isalpha() and owner not in _CONTRACTED and word[-1] in "s'\u2019":
        return "its"
    return word if word in _ARTICLES or (before.kind == "number" and word.isdigit()) else ""


def describes_one_of(look: Look, at: int, nouns: frozenset[str]) -> bool:
    """As `describes`, but without an article, by the noun."""
    following = look.after(at)
    return following is not None and not following.lead and following.core.lower() in nouns


def is_lettered_noun(word: Word) -> bool:
    """Tell whether a letter before the word names its kind or size."""
    return word.core.lower() in _LETTERED_NOUNS or _FORMULA.fullmatch(word.core) is not None


def is_lettered(look: Look, at: int) -> bool:
    """Tell whether the letter at `at` is no unit but a kind or size of the next noun: "3 M batteries"."""
    if at >= len(look.words):
        return False
    word = look.words[at]
    if len(word.core) != 1 or not word.core.isupper() or word.mark:
        return False
    following = look.at(at + 1)
    if following is None or not is_lettered_noun(following):
        return False
    return not (word.core in _VOLTS and following.core.lower().startswith(("batter", "cell", "plug")))

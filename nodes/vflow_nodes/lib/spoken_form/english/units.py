"""English names of units, scales, currencies, months and days."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english.words import word_set

_UNITS = """
km kilometer|m meter|cm centimeter|mm millimeter|nm nanometer|µm micrometer|μm micrometer|mi mile
yd yard|kg kilogram|g gram|mg milligram|mcg microgram|µg microgram|μg microgram|lb pound|oz ounce|t ton
L liter|l liter|mL milliliter|ml milliliter|dL deciliter|cl centiliter|gal gallon|qt quart|pt pint
tsp teaspoon|tbsp tablespoon|Tbsp tablespoon|h hour|hr hour|min minute|sec second|s second
ms millisecond|µs microsecond|ns nanosecond|wk week|mo month|yr year|W watt|kW kilowatt|MW megawatt
GW gigawatt|kWh kilowatt hour|Wh watt hour|V volt|mV millivolt|kV kilovolt|mA milliamp|mAh milliamp hour
Ah amp hour|cal calorie|kcal kilocalorie|J joule|kJ kilojoule|N newton|KB kilobyte|kB kilobyte
MB megabyte|GB gigabyte|TB terabyte|PB petabyte|GiB gibibyte|MiB mebibyte|Gb gigabit|Mb megabit
ha hectare|px pixel|pg picogram|IU international unit|kPa kilopascal|Pa pascal|hPa hectopascal
dB decibel|Ω ohm|kΩ kilohm|atm atmosphere|ly light year|bbl barrel|kt knot|kn knot|nmi nautical mile
hp horsepower|Nm newton meter|kN kilonewton|GPa gigapascal|MPa megapascal|eV electron volt
keV kiloelectron volt|MeV megaelectron volt|GeV gigaelectron volt|mol mole|mmol millimole
mSv millisievert|MP megapixel|lm lumen|doz dozen|mbar millibar|bar bar|Mpx megapixel|TW terawatt|ac acre
bd bedroom|br bedroom|ba bathroom|spd speed|gtt drop|pc piece
kpc kiloparsec|Mpc megaparsec|MWh megawatt hour|GWh gigawatt hour|Cal calorie|c cup
d day|ct count|pkt packet|bp base pair
"""
UNITS: dict[str, tuple[str, str]] = {
    symbol: (name, name + "s")
    for line in _UNITS.strip().splitlines()
    for symbol, _, name in (entry.partition(" ") for entry in line.split("|"))
}
"""The symbols of units, each with its name in the singular and the plural."""

_SAME = {
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "mph": "miles per hour",
    "kph": "kilometers per hour",
    "km/h": "kilometers per hour",
    "kmh": "kilometers per hour",
    "m/s": "meters per second",
    "ft/s": "feet per second",
    "mpg": "miles per gallon",
    "rpm": "R P M",
    "RPM": "R P M",
    "bpm": "beats per minute",
    "BPM": "beats per minute",
    "fps": "frames per second",
    "dpi": "dots per inch",
    "ppm": "parts per million",
    "psi": "P S I",
    "mmHg": "millimeters of mercury",
    "mg/dL": "milligrams per deciliter",
    "mmol/L": "millimoles per liter",
    "mg/kg": "milligrams per kilogram",
    "g/L": "grams per liter",
    "kbps": "kilobits per second",
    "Kbps": "kilobits per second",
    "Mbps": "megabits per second",
    "Gbps": "gigabits per second",
    "Gbit/s": "gigabits per second",
    "Mbit/s": "megabits per second",
    "kbit/s": "kilobits per second",
    "MB/s": "megabytes per second",
    "GB/s": "gigabytes per second",
    "%": "percent",
    "°C": "degrees Celsius",
    "°F": "degrees Fahrenheit",
    "℃": "degrees Celsius",
    "℉": "degrees Fahrenheit",
    "°N": "degrees north",
    "°S": "degrees south",
    "°E": "degrees east",
    "°W": "degrees west",
    "‰": "per mille",
    "cc": "C C",
    "bit": "bit",
}
UNITS.update(
    {symbol: (name.replace("bits", "bit").replace("bytes", "byte"), name) for symbol, name in _SAME.items()}
)
UNITS.update(
    {
        "°": ("degree", "degrees"),
        "°C": ("degree Celsius", "degrees Celsius"),
        "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
        "mph": ("mile per hour", "miles per hour"),
        "km/h": ("kilometer per hour", "kilometers per hour"),
        "m/s": ("meter per second", "meters per second"),
        "m/s²": ("meter per second squared", "meters per second squared"),
        "m/s^2": ("meter per second squared", "meters per second squared"),
        "ft": ("foot", "feet"),
        "Ft": ("foot", "feet"),
        "in": ("inch", "inches"),
        "sq": ("square", "square"),
        "lbs": ("pound", "pounds"),
        "hrs": ("hour", "hours"),
        "mins": ("minute", "minutes"),
        "secs": ("second", "seconds"),
        "yrs": ("year", "years"),
        "¢": ("cent", "cents"),
        "pts": ("point", "points"),
        "yds": ("yard", "yards"),
        "ozs": ("ounce", "ounces"),
        "gm": ("gram", "grams"),
        "gtts": ("drop", "drops"),
        "fl-oz": ("fluid ounce", "fluid ounces"),
        "fl.-oz": ("fluid ounce", "fluid ounces"),
        "pkts": ("packet", "packets"),
        "pcs": ("piece", "pieces"),
        "bp": ("base pair", "base pairs"),
        "gals": ("gallon", "gallons"),
        "qts": ("quart", "quarts"),
        "kgs": ("kilogram", "kilograms"),
        "kms": ("kilometer", "kilometers"),
        "mos": ("month", "months"),
        "wks": ("week", "weeks"),
        "kts": ("knot", "knots"),
        "cu": ("cubic", "cubic"),
        "fl": ("fluid", "fluid"),
        "sqft": ("square foot", "square feet"),
        "MPH": ("mile per hour", "miles per hour"),
        "PSI": ("P S I", "P S I"),
        "hp": ("horsepower", "horsepower"),
        "doz": ("dozen", "dozen"),
        "BTU": ("B T U", "B T U's"),
        "BTUs": ("B T U", "B T U's"),
        "tbsps": ("tablespoon", "tablespoons"),
        "tsps": ("teaspoon", "teaspoons"),
        "g/dL": ("gram per deciliter", "grams per deciliter"),
        "mEq/L": ("milliequivalent per liter", "milliequivalents per liter"),
        "ng/mL": ("nanogram per milliliter", "nanograms per milliliter"),
        "U/L": ("unit per liter", "units per liter"),
        "bps": ("basis point", "basis points"),
        "µL": ("microliter", "microliters"),
        "μL": ("microliter", "microliters"),
        "uL": ("microliter", "microliters"),
        "mcL": ("microliter", "microliters"),
        "fL": ("femtoliter", "femtoliters"),
        "K/µL": ("thousand per microliter", "thousand per microliter"),
        "K/μL": ("thousand per microliter", "thousand per microliter"),
        "K/uL": ("thousand per microliter", "thousand per microliter"),
        "M/µL": ("million per microliter", "million per microliter"),
        "M/uL": ("million per microliter", "million per microliter"),
        "Tbs": ("tablespoon", "tablespoons"),
        "tbs": ("tablespoon", "tablespoons"),
        "tblsp": ("tablespoon", "tablespoons"),
        "mag": ("magnitude", "magnitude"),
    }
)
for _symbol in ("m", "km", "cm", "mm", "ft", "in", "mi"):
    _one, _many = UNITS[_symbol]
    for _mark, _word in (("²", "square"), ("^2", "square"), ("³", "cubic"), ("^3", "cubic")):
        UNITS[_symbol + _mark] = (f"{_word} {_one}", f"{_word} {_many}")

SCALES = {
    "hundred": "hundred",
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
    "lakh": "lakh",
    "lakhs": "lakh",
    "crore": "crore",
    "crores": "crore",
}
SCALE_WORDS = {
    **SCALES,
    **{name.capitalize(): name for name in SCALES},
    "M": "million",
    "mn": "million",
    "mil": "million",
    "mln": "million",
    "Mio": "million",
    "bn": "billion",
    "bil": "billion",
    "bln": "billion",
    "Mrd": "billion",
    "tn": "trillion",
}
"""Words that multiply the number before them."""
SCALE_LETTERS = {
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "M": "million",
    "mn": "million",
    "mil": "million",
    "mln": "million",
    "mm": "million",
    "MM": "million",
    "b": "billion",
    "B": "billion",
    "bn": "billion",
    "Bn": "billion",
    "t": "trillion",
    "T": "trillion",
    "tn": "trillion",
}

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MONTH_NAMES = {name: name for name in MONTHS} | {
    name[:3]: name for name in MONTHS if name not in ("May", "March")
}
MONTH_NAMES |= {"Mar": "March", "Sept": "September"}
"""Full names of months by their written forms, long or short, without a full stop."""
DAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Weds": "Wednesday",
    "Thu": "Thursday",
    "Thur": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
DAY_NAMES = frozenset(DAYS.values())


DOTTED_UNITS = word_set(
    "d ct pkt pkts pcs fl.-oz oz lb lbs ft in min mins sec secs hr hrs tsp tbsp mi yd gal qt pt pts wk"
    " wks mo mos yr yrs sq yds ozs gals qts bbl Tbs tbs tblsp mag Tbsp Tsp tbsps tsps c doz руб грн р kr"
    " дин ly kts nmi mil bil mln bln ac spd cal kcal mg ml gm"
)
"""Units whose full stop may be their own."""


HOMES = ("BA", "BD", "BR")
"""Capitals that mean rooms of a home if two of them come together: "3BR/2BA"."""
PERIODS = {
    **{
        name: name for name in ("day", "week", "month", "year", "hour", "minute", "second", "night", "person")
    },
    "mo": "month",
    "yr": "year",
    "wk": "week",
    "hr": "hour",
    "d": "day",
    "m": "month",
    "y": "year",
    "min": "minute",
    "sec": "second",
    "pp": "person",
}
"""Words after a slash: the time or person per which something is counted."""


def unit_name(symbol: str, value: str) -> str:
    """Return the name of a unit after a number; '' for a symbol that is no unit."""
    names = UNITS.get(symbol)
    if names is None:
        symbol, slash, per = symbol.partition("/")
        names = UNITS.get(symbol)
        if names is None or not slash or not (per.replace("/", "").isalpha() or per in UNITS):
            return ""
        single = UNITS.get(per, (unit_name(per, "1") or per,))[0]
        names = (f"{names[0]} per {single}", f"{names[1]} per {single}")
    return names[value.lstrip("+-−") not in ("1", "1.0")]

"""English names of currencies, by the signs, codes and words before or after an amount."""

# ruff: noqa: RUF001
# The signs are those that models write.

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english.words import word_set

_DOLLAR, _EURO, _POUND = ("dollar", "dollars"), ("euro", "euros"), ("pound", "pounds")
_YEN, _RUPEE, _WON = ("yen", "yen"), ("rupee", "rupees"), ("won", "won")
_CENTS, _PENCE = ("cent", "cents"), ("penny", "pence")


def _of(country: str, name: str) -> tuple[str, str]:
    return f"{country} {name}", f"{country} {name}s"


_US, _CANADIAN, _AUSTRALIAN = _of("U S", "dollar"), _of("Canadian", "dollar"), _of("Australian", "dollar")
CURRENCIES: dict[str, tuple[str, str]] = {
    "$": _DOLLAR,
    "€": _EURO,
    "£": _POUND,
    "¥": _YEN,
    "₹": _RUPEE,
    "₩": _WON,
    "₽": ("ruble", "rubles"),
    "₿": ("bitcoin", "bitcoin"),
    "₺": ("lira", "lira"),
    "₪": ("shekel", "shekels"),
    "US$": _US,
    "C$": _CANADIAN,
    "CA$": _CANADIAN,
    "A$": _AUSTRALIAN,
    "AU$": _AUSTRALIAN,
    "NZ$": _of("New Zealand", "dollar"),
    "HK$": _of("Hong Kong", "dollar"),
    "S$": _of("Singapore", "dollar"),
    "NT$": _of("Taiwan", "dollar"),
    "MX$": _of("Mexican", "peso"),
    "SGD": _of("Singapore", "dollar"),
    "HKD": _of("Hong Kong", "dollar"),
    "SEK": ("Swedish krona", "Swedish kronor"),
    "NOK": ("Norwegian krone", "Norwegian kroner"),
    "DKK": ("Danish krone", "Danish kroner"),
    "PLN": ("zloty", "zlotys"),
    "BRL": ("real", "reais"),
    "ZAR": ("rand", "rand"),
    "₱": _of("Philippine", "peso"),
    "₦": ("naira", "naira"),
    "₴": ("hryvnia", "hryvnias"),
    "₫": ("dong", "dong"),
    "฿": ("baht", "baht"),
    "R$": ("real", "reais"),
    "USD": _US,
    "CAD": _CANADIAN,
    "AUD": _AUSTRALIAN,
    "NZD": _of("New Zealand", "dollar"),
    "EUR": _EURO,
    "GBP": _POUND,
    "JPY": _YEN,
    "CNY": ("yuan", "yuan"),
    "INR": _RUPEE,
    "KRW": _WON,
    "CHF": _of("Swiss", "franc"),
    "MXN": _of("Mexican", "peso"),
    "BTC": ("bitcoin", "bitcoin"),
    "Rs": _RUPEE,
    "₨": _RUPEE,
    "￥": _YEN,
    "￡": _POUND,
    "＄": _DOLLAR,
    "Rp": ("rupiah", "rupiah"),
    "RM": ("ringgit", "ringgit"),
    "₡": ("colón", "colones"),
    "₲": ("guaraní", "guaraníes"),
    "₵": ("cedi", "cedis"),
    "৳": ("taka", "taka"),
    "₭": ("kip", "kip"),
    "₮": ("tugrik", "tugriks"),
    "₸": ("tenge", "tenge"),
    "₾": ("lari", "lari"),
    "AED": ("dirham", "dirhams"),
    "SAR": ("riyal", "riyals"),
    "TL": ("lira", "lira"),
    "TRY": ("lira", "lira"),
    "RUB": ("ruble", "rubles"),
    "UAH": ("hryvnia", "hryvnias"),
    "CZK": ("koruna", "korunas"),
    "HUF": ("forint", "forints"),
    "THB": ("baht", "baht"),
    "VND": ("dong", "dong"),
    "IDR": ("rupiah", "rupiah"),
    "MYR": ("ringgit", "ringgit"),
    "PHP": _of("Philippine", "peso"),
    "ILS": ("shekel", "shekels"),
    "NGN": ("naira", "naira"),
    "TWD": _of("Taiwan", "dollar"),
    "ETH": ("ether", "ether"),
}
SUFFIXES: dict[str, tuple[str, str]] = {
    "円": _YEN,
    "圓": _YEN,
    "元": ("yuan", "yuan"),
    "圆": ("yuan", "yuan"),
    "块": ("yuan", "yuan"),
    "원": _WON,
    "руб": ("ruble", "rubles"),
    "р": ("ruble", "rubles"),
    "грн": ("hryvnia", "hryvnias"),
    "тг": ("tenge", "tenge"),
    "лв": ("lev", "leva"),
    "дин": ("dinar", "dinars"),
    "zł": ("zloty", "zlotys"),
    "Kč": ("koruna", "korunas"),
    "kr": ("krona", "kronor"),
    "đ": ("dong", "dong"),
    "บาท": ("baht", "baht"),
    "درهم": ("dirham", "dirhams"),
    "ريال": ("riyal", "riyals"),
    "دينار": ("dinar", "dinars"),
    "रुपये": _RUPEE,
    "रु": _RUPEE,
}
"""Words of other languages after an amount."""
AFTER_AMOUNT = CURRENCIES | SUFFIXES
EACH = {"月": "month", "年": "year", "日": "day", "天": "day", "人": "person", "個": "piece", "个": "piece"}
"""Words after a slash: how much an amount is for."""
MYRIADS = {"千": 3, "万": 4, "萬": 4, "만": 4, "億": 8, "亿": 8, "억": 8, "兆": 12, "조": 12}
"""Scales of East Asia between an amount and its currency: powers of ten."""
SMALL_MONEY = {"pound": _PENCE, "pounds": _PENCE}
CENTS = _CENTS
WHOLE_ONLY = word_set("yen won yuan ruble bitcoin lira krona krone dong naira baht rupiah forint ether")
"""Currencies whose decimals are read as a decimal number, without naming hundredths."""

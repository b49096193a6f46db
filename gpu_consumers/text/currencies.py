"""Currencies in both languages: one row each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency, and how it is written; its code is that of ISO 4217."""

    code: str
    signs: tuple[str, ...]
    singular: str
    plural: str
    cent: str  # a hundredth; "" where none is in use
    cents: str
    mandarin: str


_ROWS = (
    ("CNY", "RMB ¥ CN¥", "yuan", "yuan", "", "", "元"),
    # Dollars of the reader's own country, or of the United States.
    ("$", "$", "dollar", "dollars", "cent", "cents", "美元"),
    ("USD", "US$", "U S dollar", "U S dollars", "cent", "cents", "美元"),
    ("HKD", "HK$", "Hong Kong dollar", "Hong Kong dollars", "cent", "cents", "港元"),
    ("TWD", "NT$ NTD", "Taiwan dollar", "Taiwan dollars", "", "", "新台币"),
    ("MOP", "MOP$", "Macanese pataca", "Macanese patacas", "", "", "澳门元"),
    ("SGD", "S$", "Singapore dollar", "Singapore dollars", "cent", "cents", "新加坡元"),
    ("AUD", "A$ AU$", "Australian dollar", "Australian dollars", "cent", "cents", "澳元"),
    ("CAD", "C$ CA$", "Canadian dollar", "Canadian dollars", "cent", "cents", "加元"),
    ("NZD", "NZ$", "New Zealand dollar", "New Zealand dollars", "cent", "cents", "新西兰元"),
    ("EUR", "€", "euro", "euros", "cent", "cents", "欧元"),
    ("GBP", "£", "pound", "pounds", "penny", "pence", "英镑"),
    ("JPY", "JP¥", "yen", "yen", "", "", "日元"),
    ("KRW", "₩", "won", "won", "", "", "韩元"),
    ("INR", "₹ Rs Rs.", "rupee", "rupees", "paisa", "paise", "卢比"),
    ("THB", "฿", "baht", "baht", "satang", "satang", "泰铢"),
    ("VND", "₫", "dong", "dong", "", "", "越南盾"),
    ("MYR", "RM", "ringgit", "ringgit", "sen", "sen", "林吉特"),
    ("PHP", "₱", "peso", "pesos", "centavo", "centavos", "菲律宾比索"),
    ("IDR", "Rp", "rupiah", "rupiah", "", "", "印尼盾"),
    ("RUB", "₽", "ruble", "rubles", "kopeck", "kopecks", "卢布"),
    ("CHF", "", "Swiss franc", "Swiss francs", "", "", "瑞士法郎"),
    ("SEK", "", "Swedish krona", "Swedish kronor", "", "", "瑞典克朗"),
    ("NOK", "", "Norwegian krone", "Norwegian kroner", "", "", "挪威克朗"),
    ("DKK", "", "Danish krone", "Danish kroner", "", "", "丹麦克朗"),
    ("AED", "", "dirham", "dirhams", "", "", "迪拉姆"),
    ("BRL", "R$", "real", "reais", "centavo", "centavos", "雷亚尔"),
    ("MXN", "MX$", "Mexican peso", "Mexican pesos", "centavo", "centavos", "墨西哥比索"),
    ("ZAR", "", "rand", "rand", "cent", "cents", "兰特"),
    ("TRY", "₺", "lira", "lira", "", "", "里拉"),
    ("ILS", "₪", "shekel", "shekels", "", "", "谢克尔"),
)
CURRENCIES = {code: Currency(code, tuple(signs.split()), *names) for code, signs, *names in _ROWS}
# How a currency is written: its signs and its code.
CODE_OF = {
    sign: currency.code
    for currency in CURRENCIES.values()
    for sign in (*currency.signs, currency.code)
}

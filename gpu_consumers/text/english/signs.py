"""Signs in English: what is said for each."""

SIGNS = {
    "-": "minus", "+": "plus", "=": "equals", "×": "times", "÷": "divided by", "±": "plus or minus",
    "≈": "about", "<": "less than", ">": "greater than", "≤": "less than or equal to",
    "≥": "greater than or equal to", "→": "to", "&": "and", "@": "at", "%": "percent",
    "‰": "per mille", "#": "number", "°": "degrees", "$": "dollars", "¥": "yuan", "€": "euros",
    "£": "pounds", "¢": "cents", "₩": "won", "₹": "rupees", "฿": "baht", "₫": "dong",
    "₱": "pesos", "₽": "rubles", "₺": "lira", "₪": "shekels", "Ω": "ohms",
    "²": "squared", "³": "cubed", "/": "slash", "|": "", "*": "star", "^": "to the",
}  # fmt: skip
IN_LINKS = {
    ".": "dot", "/": "slash", "@": "at", "-": "dash", "_": "underscore", "?": "question mark",
    "=": "equals", "&": "and", ":": "colon", "%": "percent", "#": "hash", "+": "plus",
    "~": "tilde", "!": "exclamation mark", ",": "comma", ";": "semicolon", "*": "star",
}  # fmt: skip

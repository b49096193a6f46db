"""A tokenizer for fabricated weights: WordPiece as bert-base-chinese, and ChatTTS's control tokens.

It has upstream's shape: the same number of tokens, and each control token at upstream's id.
"""

import json
from pathlib import Path
from string import ascii_lowercase, digits, punctuation

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

ORDINARY = 21_128  # tokens of bert-base-chinese; the control tokens follow
CONTROL = (
    *("[Sasr]", "[Pasr]", "[Easr]", "[Stts]", "[Ptts]", "[Etts]"),
    *("[Sbreak]", "[Pbreak]", "[Ebreak]"),
    *("[uv_break]", "[v_break]", "[lbreak]", "[llbreak]", "[undefine]", "[laugh]"),
    *("[spk_emb]", "[empty_spk]", "[music]", "[pure]"),
    *(f"[break_{level}]" for level in range(8)),
    *(f"[laugh_{level}]" for level in range(3)),
    *(f"[oral_{level}]" for level in range(10)),
    *(f"[speed_{level}]" for level in range(10)),
)
_SPECIAL = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_WIDE = "，。！？；：、（）《》〈〉「」『』【】“”‘’…—～·％＋－＝＜＞／￥€£°"


def write(folder: Path, tokens: int) -> None:
    """Write the three files that `BertTokenizerFast.from_pretrained` reads.

    They are tokenizer.json, tokenizer_config.json and special_tokens_map.json.
    """
    control = CONTROL[: tokens - ORDINARY]
    special = _SPECIAL | {"additional_special_tokens": list(control)}
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, **special}
    _tokenizer(control).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")


def ordinary() -> list[str]:
    """Return the first 21,128 tokens by id: 0 is [PAD], 100 is [UNK].

    The ideographs from U+4E00 on take the ids that are left.
    """
    unused = (f"[unused{number}]" for number in range(1, 100))
    tokens = ["[PAD]", *unused, "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = ascii_lowercase + digits
    tokens += [*punctuation, *_WIDE, *letters, *(f"##{letter}" for letter in letters)]
    return tokens + [chr(0x4E00 + index) for index in range(ORDINARY - len(tokens))]


def _tokenizer(control: tuple[str, ...]) -> Tokenizer:
    ids = {token: number for number, token in enumerate(ordinary())}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=_SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = (*_SPECIAL.values(), *control)
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token in special]
    )
    return tokenizer

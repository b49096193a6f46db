"""A tokenizer of upstream's shape for fabricated weights: WordPiece as bert-base-chinese, and ChatTTS's control tokens."""

import json
from pathlib import Path
from string import ascii_lowercase, digits, punctuation

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

ORDINARY = 21_128  # as many as bert-base-chinese has; the control tokens follow
CONTROL = (
    *(
        "[Sasr]",
        "[Pasr]",
        "[Easr]",
        "[Stts]",
        "[Ptts]",
        "[Etts]",
        "[Sbreak]",
        "[Pbreak]",
        "[Ebreak]",
    ),
    *(
        "[uv_break]",
        "[v_break]",
        "[lbreak]",
        "[llbreak]",
        "[undefine]",
        "[laugh]",
        "[spk_emb]",
        "[empty_spk]",
        "[music]",
        "[pure]",
    ),
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
    """tokenizer.json, tokenizer_config.json and special_tokens_map.json, for `BertTokenizerFast.from_pretrained`."""
    control = CONTROL[: tokens - ORDINARY]
    special = _SPECIAL | {"additional_special_tokens": list(control)}
    _tokenizer(control).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True, **special}, indent=2)
        + "\n"
    )
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")


def ordinary() -> list[str]:
    """The first 21,128 tokens by id: 0 is [PAD] and 100 is [UNK]; the ideographs from U+4E00 fill what is left."""
    tokens = [
        "[PAD]",
        *(f"[unused{number}]" for number in range(1, 100)),
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
    ]
    letters = ascii_lowercase + digits
    tokens += [*punctuation, *_WIDE, *letters, *(f"##{letter}" for letter in letters)]
    return tokens + [chr(0x4E00 + index) for index in range(ORDINARY - len(tokens))]


def _tokenizer(control: tuple[str, ...]) -> Tokenizer:
    tokenizer = Tokenizer(
        models.WordPiece(
            {token: number for number, token in enumerate(ordinary())},
            unk_token=_SPECIAL["unk_token"],
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, normalized=False, special=True)
            for token in (*_SPECIAL.values(), *control)
        ]
    )
    return tokenizer

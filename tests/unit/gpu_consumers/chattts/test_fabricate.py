"""Fabricated weights: reproducible, loaded by upstream itself, and like a model that speaks."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import ChatTTS
import pytest
import torch
from transformers import TopKLogitsWarper, TopPLogitsWarper

from seedcast.gpu_consumers.engines.chattts.model import upstream_modules
from seedcast.gpu_consumers.engines.chattts.model.dimensions import (
    CODES,
    FULL,
    HOP,
    TINY,
    Dimensions,
)
from seedcast.gpu_consumers.engines.chattts.weights.assets import FILES, Assets
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate
from seedcast.gpu_consumers.engines.chattts.weights.vocabulary import CONTROL, ORDINARY


def upstream(assets: Assets, dimensions: Dimensions) -> ChatTTS.Chat:
    chat = ChatTTS.Chat()
    chat.config = upstream_modules.config(dimensions)
    paths = {name: str(assets.folder / path) for name, path in asdict(chat.config.path).items()}
    assert chat._load(device=torch.device("cpu"), **paths)
    return chat


@pytest.fixture(scope="module")
def chat(tiny: Assets) -> ChatTTS.Chat:
    return upstream(tiny, TINY)


@pytest.fixture(scope="module")
def hidden(chat: ChatTTS.Chat) -> Iterator[torch.Tensor]:
    """Final states over random codes: (rows, steps, hidden)."""
    codes = torch.randint(
        0, CODES, (64, 48, TINY.codebooks), generator=torch.Generator().manual_seed(5)
    )
    with torch.no_grad():
        embedded = sum(
            chat.embed.emb_code[book](codes[:, :, book]) for book in range(TINY.codebooks)
        )
        yield chat.gpt.gpt(inputs_embeds=embedded).last_hidden_state


def logits(chat: ChatTTS.Chat, hidden: torch.Tensor) -> torch.Tensor:
    """Return (rows, steps, codebooks, tokens)."""
    with torch.no_grad():
        return torch.stack([head(hidden) for head in chat.embed.head_code], 2)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_weights(
    tiny: Assets, tmp_path: Path
) -> None:
    torch.rand(3)  # the global generator must not matter
    assert fabricate(tmp_path / "again", TINY, seed=1).digest() == tiny.digest()
    other = fabricate(tmp_path / "other", TINY, seed=2)
    different = [
        path
        for path in FILES
        if (other.folder / path).read_bytes() != (tiny.folder / path).read_bytes()
    ]
    assert different == [path for path in FILES if path.endswith(".safetensors")]


def test_fabricating_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    fabricate(tmp_path, TINY, seed=3)
    assert torch.equal(torch.rand(1), expected)


def test_the_tiny_size_is_small_and_marked_as_fabricated(tiny: Assets) -> None:
    assert sum((tiny.folder / path).stat().st_size for path in FILES) < 30e6
    assert tiny.fabrication is not None
    assert (tiny.fabrication.size, tiny.fabrication.seed) == ("tiny", 1)


@pytest.mark.parametrize("control", CONTROL)
def test_control_tokens_are_never_split_and_have_upstreams_ids(
    chat: ChatTTS.Chat, control: str
) -> None:
    expected = [*ids(chat, "你"), ORDINARY + CONTROL.index(control), *ids(chat, "好")]
    assert ids(chat, f"你{control}好") == expected


def ids(chat: ChatTTS.Chat, text: str) -> list[int]:
    return list(chat.tokenizer.encode([text], 4)[0][0, :, 0].tolist())


def test_ordinary_text_has_tokens(chat: ChatTTS.Chat) -> None:
    assert chat.tokenizer.len == TINY.text_tokens
    assert len(set(ids(chat, "您好世界"))) == 4
    assert ids(chat, "ABC") == ids(chat, "abc")
    assert 100 not in ids(chat, "Hello, world! 您好，3 点。")
    assert ids(chat, "ф") == [100]


def test_states_have_unit_size_and_logits_the_intended_deviation(
    chat: ChatTTS.Chat, hidden: torch.Tensor
) -> None:
    assert hidden.pow(2).mean().sqrt() == pytest.approx(1.0, abs=0.05)
    assert logits(chat, hidden).std() == pytest.approx(2.5, abs=0.5)


def test_the_final_state_depends_on_earlier_positions(chat: ChatTTS.Chat) -> None:
    """The same last code after two histories gives two states, so tests can see the attention."""
    history = torch.randn(2, 20, TINY.hidden, generator=torch.Generator().manual_seed(1))
    history[:, -1] = history[0, -1]
    with torch.no_grad():
        one, other = chat.gpt.gpt(inputs_embeds=history).last_hidden_state[:, -1]
    assert 0.1 < (one - other).pow(2).mean().sqrt() < 1.4


def test_an_utterance_ends_after_some_seconds(chat: ChatTTS.Chat, hidden: torch.Tensor) -> None:
    """At upstream's default style 2 to 6 % of the steps that may end do end."""
    scores = (logits(chat, hidden) / 0.3).flatten(0, 2)
    for warper, limit in ((TopPLogitsWarper, 0.7), (TopKLogitsWarper, 20)):
        scores = warper(limit, min_tokens_to_keep=3)(torch.empty(0), scores)
    end = scores.softmax(-1)[:, TINY.end_token].view(-1, TINY.codebooks)
    assert 0.02 < (1 - (1 - end).prod(1)).mean() < 0.065


@pytest.mark.parametrize("source", ["decoder", "dvae"])
def test_audio_is_about_as_loud_as_speech_and_does_not_clip(
    chat: ChatTTS.Chat, hidden: torch.Tensor, source: str
) -> None:
    codes = logits(chat, hidden)[..., :CODES].argmax(-1)
    frames = hidden if source == "decoder" else codes
    waveform = chat.vocos.decode(getattr(chat, source)(frames[:8].mT.clone()))
    assert waveform.shape[1] == (2 * 48 - 1) * HOP
    assert -23 < 20 * waveform.pow(2).mean().sqrt().log10() < -17
    assert waveform.abs().max() < 1.0


def test_the_mel_depends_on_every_convolution_block(
    chat: ChatTTS.Chat, hidden: torch.Tensor
) -> None:
    frames = hidden[:1].mT.clone()
    mel = chat.decoder(frames.clone())
    for block in chat.decoder.decoder.decoder_block:
        scale = block.weight.clone()
        with torch.no_grad():
            block.weight.zero_()
            assert (chat.decoder(frames.clone()) - mel).abs().max() > 0.01 * mel.abs().max()
            block.weight.copy_(scale)


@pytest.mark.slow
def test_upstream_loads_the_full_size_with_its_own_configuration(tmp_path: Path) -> None:
    assets = fabricate(tmp_path, FULL, seed=1)
    assert assets.dimensions() == FULL
    assert upstream(assets, FULL).has_loaded(use_decoder=True)

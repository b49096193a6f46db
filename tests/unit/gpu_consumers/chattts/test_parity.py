"""Our model agrees with upstream ChatTTS on the same weights.

Compared are tokens, voices, logits, greedy codes and waveforms.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import ChatTTS
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.generation import LONGEST_PROMPT, GenerationBuilder
from seedcast.gpu_consumers.engines.chattts.model import upstream_modules
from seedcast.gpu_consumers.engines.chattts.model.decoder import Decoder
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL, TINY, Dimensions
from seedcast.gpu_consumers.engines.chattts.model.model import Model
from seedcast.gpu_consumers.engines.chattts.model.slots import Generation, Slots, Stage
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import Prompter, speed_level
from seedcast.gpu_consumers.engines.chattts.model.vocoder import Vocoder
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate
from seedcast.schemas.messages import Style
from tests.builders.requests import a_request

CPU = torch.device("cpu")
ROWS, SLOT, CONTEXT = 16, 5, 256  # the row in SLOT is compared; its neighbours are busy
TEXT = "Your order leaves today, [uv_break] and arrives tomorrow."
TEXTS = (TEXT, "四川美食确实以辣闻名。", "a", "Hello 你好 [laugh] again.", "  padded , text . ")
SEEDS = (0, 1, 42, 2222, 2**31, 2**32 - 1)


@dataclass(frozen=True)
class Both:
    """Upstream's `Chat` and our parts, loaded from the same folder."""

    assets: Assets
    dimensions: Dimensions

    @cached_property
    def chat(self) -> ChatTTS.Chat:
        chat = ChatTTS.Chat()
        chat.config = upstream_modules.config(self.dimensions)
        paths = {
            f"{name}_ckpt_path": str(getattr(self.assets, name))
            for name in ("vocos", "dvae", "gpt", "decoder")
        }
        assert chat._load(
            **paths,
            embed_path=str(self.assets.embed),
            tokenizer_path=str(self.assets.tokenizer),
            device=CPU,
        )
        return chat

    @cached_property
    def prompter(self) -> Prompter:
        return Prompter(self.assets.tokenizer)

    @cached_property
    def generations(self) -> GenerationBuilder:
        return GenerationBuilder(self.prompter, self.dimensions, CONTEXT)

    def entering(self, text: str, seed: int) -> Generation:
        """Return our generation for a text and a voice seed, with neutral sampling parameters."""
        return Generation(
            prompt=self.prompter.speech(text, 1.0),
            voice=self.generations.voice(a_request(voice_seed=seed)),
            seed=seed,
            segment=0,
            stage=Stage.CODE,
            draw=0,
            temperature=1.0,
            top_p=1.0,
            top_k=3,
            penalty=1.0,
            floor=0,
            limit=CONTEXT,
        )

    def upstream_prompt(self, text: str, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return upstream's embeddings, ids and mask, as `Chat._infer_code` makes them.

        Embeddings are (1, tokens, hidden), and ids are (1, tokens, codebooks).
        """
        speaker = self.chat.speaker  # load it first: loading draws random numbers, too
        torch.manual_seed(seed)
        voice = speaker._sample_random()
        (decorated,) = speaker.decorate_code_prompts([text], "[speed_5]", None, "voice")
        ids, mask, text_mask = self.chat.tokenizer.encode([decorated], self.dimensions.codebooks)
        embeddings = self.chat.embed(ids, text_mask)
        speaker_token = self.chat.tokenizer.spk_emb_ids
        return speaker.apply(embeddings, voice, ids, speaker_token, CPU), ids, mask


class Ours:
    """Our parts, with the compared row in SLOT."""

    def __init__(self, both: Both) -> None:
        self.end = both.dimensions.end_token
        embed = upstream_modules.embed(upstream_modules.config(both.dimensions))
        embed.load_pretrained(str(both.assets.embed), CPU)
        self._decoder = Decoder(
            both.dimensions, load_file(both.assets.gpt_model), ROWS, CONTEXT, torch.float32, CPU
        )
        self.model = Model(both.dimensions, embed, self._decoder, both.prompter.special, ROWS)
        self.slots = Slots(ROWS, both.dimensions, LONGEST_PROMPT, CONTEXT, CPU)
        for slot in range(ROWS):
            self.slots.enter({slot: both.entering(TEXT[slot:], slot)})

    def hidden(self) -> Tensor:
        return self._decoder.forward(self.model.embed(self.slots), self.slots.position)

    def advance(self, hidden: Tensor, tokens: Tensor) -> None:
        self.slots.advance(hidden, tokens, torch.full((ROWS,), self.end))

    def forced(self, entering: Generation, frames: Tensor) -> Tensor:
        """Return the logits of a row that reads given frames after its prompt.

        Frames are (frames, codebooks), and logits are (prompt + frames, codebooks, tokens).
        """
        self.slots.enter({SLOT: entering})
        logits = []
        for position in range(len(entering.prompt) + len(frames)):
            hidden = self.hidden()
            logits.append(self.model.code_logits(hidden)[SLOT])
            drawn = max(0, position - len(entering.prompt) + 1)
            self.advance(hidden, frames[min(drawn, len(frames) - 1)].expand(ROWS, -1))
        return torch.stack(logits)

    def greedy(self, entering: Generation, steps: int) -> tuple[Tensor, Tensor]:
        """Return the codes of the highest logits, and the hidden states that they come from.

        Codes are (steps, codebooks). The end token is left out of the choice.
        """
        self.slots.enter({SLOT: entering})
        while self.slots.draw.step[SLOT] < steps:
            hidden = self.hidden()
            self.advance(hidden, self.model.code_logits(hidden)[..., : self.end].argmax(-1))
        output = self.slots.leave(SLOT, self.slots.look().read()[SLOT])
        return output.tokens, output.hidden


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """One thread is enough for a small model, and is quick even if the cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def both(tiny: Assets) -> Both:
    return Both(tiny, TINY)


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_prompts_are_upstreams_tokens(both: Both, speed: float) -> None:
    for text in TEXTS:
        (decorated,) = both.chat.speaker.decorate_code_prompts(
            [text], f"[speed_{speed_level(speed)}]", None, "voice"
        )
        ids, _, _ = both.chat.tokenizer.encode([decorated], both.dimensions.codebooks)
        tokens = both.prompter.speech(text, speed)
        repeated = [(token,) * both.dimensions.codebooks for token in tokens]
        assert repeated == [tuple(frame) for frame in ids[0].tolist()]


def test_prompts_of_refining_are_upstreams_tokens(both: Both) -> None:
    for text in TEXTS:
        (decorated,) = both.chat.speaker.decorate_text_prompts([text], "[oral_2][laugh_0][break_6]")
        ids, _, _ = both.chat.tokenizer.encode([decorated], 1)
        tokens = both.prompter.refinement(text, Style(oral=2, laugh=0, break_=6))
        assert tokens == tuple(ids[0, :, 0].tolist())


@torch.inference_mode()
def test_a_prompt_with_a_seeds_voice_is_embedded_bit_for_bit_as_upstreams(both: Both) -> None:
    ours = Ours(both)
    for seed in SEEDS:
        expected, _, _ = both.upstream_prompt(TEXT, seed)
        ours.slots.enter({SLOT: both.entering(TEXT, seed)})
        for position in range(expected.shape[1]):
            ours.slots.position[SLOT] = position
            embedded = ours.model.embed(ours.slots)[SLOT]
            assert torch.equal(embedded, expected[0, position]), (seed, position)


@torch.inference_mode()
def compare_logits(both: Both, count: int) -> None:
    random, shape = torch.Generator().manual_seed(1), (count, both.dimensions.codebooks)
    frames = torch.randint(0, both.dimensions.end_token, shape, generator=random)
    prompt, _, _ = both.upstream_prompt(TEXT, 42)
    spoken = torch.stack(
        [table(frames[:, book]) for book, table in enumerate(both.chat.gpt.emb_code)], 2
    ).sum(2)
    result = both.chat.gpt.gpt(inputs_embeds=torch.cat([prompt, spoken[None]], 1))
    hidden = result.last_hidden_state[0]
    expected = torch.stack([head(hidden) for head in both.chat.gpt.head_code], 1)
    logits = Ours(both).forced(both.entering(TEXT, 42), frames)
    assert logits.std() > 1
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-4)


@torch.inference_mode()
def compare_greedy(both: Both, text: str, steps: int) -> None:
    """Compare with upstream's own loop, to which a processor leaves only the highest logit."""
    end = both.dimensions.end_token

    def highest(_: Tensor, logits: Tensor) -> Tensor:
        spoken = logits[:, :end]
        kept = torch.where(spoken == spoken.amax(-1, keepdim=True), 0.0, -torch.inf)
        return torch.nn.functional.pad(kept, (0, 1), value=-torch.inf)

    embeddings, ids, mask = both.upstream_prompt(text, 42)
    temperature = torch.ones(both.dimensions.codebooks)
    options = {
        "max_new_token": steps,
        "logits_processors": (highest,),
        "return_hidden": True,
        "show_tqdm": False,
    }
    (result,) = both.chat.gpt.generate(embeddings, ids, temperature, end, mask, **options)
    codes, hidden = Ours(both).greedy(both.entering(text, 42), steps)
    assert torch.equal(codes, result.ids[0])
    assert len(codes.unique(dim=0)) > steps // 4
    torch.testing.assert_close(hidden, result.hiddens[0], rtol=0, atol=1e-4)


def test_teacher_forced_logits_are_upstreams(both: Both) -> None:
    compare_logits(both, 40)


@pytest.mark.parametrize("text", TEXTS[:3])
def test_the_highest_logits_give_the_codes_of_upstreams_own_loop(both: Both, text: str) -> None:
    compare_greedy(both, text, 60)


@pytest.mark.slow
def test_logits_and_codes_are_upstreams_in_full_size(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    full = Both(fabricate(tmp_path_factory.mktemp("full"), FULL, seed=1), FULL)
    compare_logits(full, 40)
    compare_greedy(full, TEXT, 50)


@pytest.mark.parametrize("tokens", [1, 2, 7, 64, 211])
@torch.inference_mode()
def test_the_waveform_of_hidden_states_is_upstreams(both: Both, tokens: int) -> None:
    random = torch.Generator().manual_seed(tokens)
    hidden = torch.randn(tokens, both.dimensions.hidden, generator=random)
    (expected,) = both.chat._decode_to_wavs([hidden.clone()], use_decoder=True)
    samples = Vocoder(both.assets, upstream_modules.config(both.dimensions), CPU).decode(hidden)
    assert samples.shape == (512 * tokens - 256,)
    assert samples.std() > 1e-3
    np.testing.assert_allclose(samples, expected, rtol=0, atol=1e-5)

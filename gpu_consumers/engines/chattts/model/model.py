"""One step of all slots: embed, decode, sample, advance."""

import torch
from ChatTTS.model.embed import Embed
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.kernels.linear import prepare
from seedcast.gpu_consumers.engines.chattts.model.decoder import Decoder
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.gpu_consumers.engines.chattts.model.sampling import sample
from seedcast.gpu_consumers.engines.chattts.model.slots import Slots, Stage
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import SpecialTokens


class Model:
    """Upstream's embeddings and heads around our decoder. Heads are float32 in every precision."""

    def __init__(
        self,
        dimensions: Dimensions,
        embed: Embed,
        decoder: Decoder,
        special: SpecialTokens,
        rows: int,
    ) -> None:
        """`rows`: the number of slots, for which the products of the heads are prepared."""
        self._dimensions, self._special = dimensions, special
        self._decoder, self._rows = decoder, rows
        self._text = embed.emb_text.weight.detach()
        self._code = [table.weight.detach() for table in embed.emb_code]
        code_heads = torch.cat([head.weight.detach() for head in embed.head_code])
        self._code_head = prepare(code_heads, rows)
        self._text_head = prepare(embed.head_text.weight.detach(), rows)
        ends = [dimensions.end_token, special.end_of_text]  # by Stage
        self._ends = torch.tensor(ends, device=self._text.device)

    @property
    def batch_sizes(self) -> set[int]:
        """The numbers of rows at which every product gives a row the same bits, `rows` included."""
        linears = (*self._decoder.linears, self._code_head, self._text_head)
        smaller = [set(linear.smaller_batch_sizes) for linear in linears]
        return {self._rows} | set.intersection(*smaller)

    def step(self, slots: Slots, refining: bool) -> None:
        """Advance every slot by one position.

        `refining`: True if any slot is in the text stage; only then is the text head computed.
        """
        hidden = self._decoder.forward(self.embed(slots), slots.position)
        tokens = self._sample(slots, self.code_logits(hidden), Stage.CODE)
        if refining:
            text = self._sample(slots, self.text_logits(hidden), Stage.TEXT)
            in_text = (slots.stage == Stage.TEXT)[:, None]
            tokens = torch.where(in_text, text.expand_as(tokens), tokens)
        slots.advance(hidden, tokens, self._ends[slots.stage])

    def embed(self, slots: Slots) -> Tensor:
        """Return the embedding that each row reads next, (rows, hidden) float32.

        A row reads its prompt first, then each token that it drew. The embedding of four codes is
        the sum of their embeddings, as upstream's.
        """
        in_prompt, token = slots.prompted()
        is_speaker = (token == self._special.speaker)[:, None]
        prompt = torch.where(is_speaker, slots.voice, self._text[token])
        latest = slots.latest
        codes = [
            table[latest[:, book].clamp(max=len(table) - 1)]
            for book, table in enumerate(self._code)
        ]
        spoken = torch.stack(codes, 2).sum(2)
        in_text = (slots.stage == Stage.TEXT)[:, None]
        drawn = torch.where(in_text, self._text[latest[:, 0]], spoken)
        return torch.where(in_prompt[:, None], prompt, drawn)

    def code_logits(self, hidden: Tensor) -> Tensor:
        """Hidden states (rows, hidden) to logits (rows, codebooks, audio tokens), both float32."""
        return self._code_head(hidden).view(len(hidden), self._dimensions.codebooks, -1)

    def text_logits(self, hidden: Tensor) -> Tensor:
        """Hidden states (rows, hidden) to logits (rows, 1, text tokens), both float32."""
        return self._text_head(hidden)[:, None]

    def _sample(self, slots: Slots, logits: Tensor, stage: Stage) -> Tensor:
        """Sample every row as if it were in this stage; the caller drops rows of the other one."""
        # Rows of the other stage hold tokens of another vocabulary: clamp them to valid indices.
        window = slots.window[:, : logits.shape[1]].clamp(max=logits.shape[-1] - 1)
        return sample(logits, window, slots.warp, slots.draw, self._end(stage), slots.may_end)

    def _end(self, stage: Stage) -> int:
        return self._special.end_of_text if stage is Stage.TEXT else self._dimensions.end_token

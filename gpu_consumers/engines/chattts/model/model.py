"""One step of all slots: embed, decode, sample, advance."""

import torch
from ChatTTS.model.embed import Embed
from torch import Tensor

from gpu_consumers.engines.chattts.kernels.linear import prepare
from gpu_consumers.engines.chattts.model.decoder import Decoder
from gpu_consumers.engines.chattts.model.dimensions import Dimensions
from gpu_consumers.engines.chattts.model.sampling import sample
from gpu_consumers.engines.chattts.model.slots import Slots, Stage
from gpu_consumers.engines.chattts.model.tokenizer import SpecialTokens


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
        self._dimensions, self._decoder, self._special, self._rows = (
            dimensions,
            decoder,
            special,
            rows,
        )
        self._text = embed.emb_text.weight.detach()
        self._code = [table.weight.detach() for table in embed.emb_code]
        self._code_head = prepare(
            torch.cat([head.weight.detach() for head in embed.head_code]), rows
        )
        self._text_head = prepare(embed.head_text.weight.detach(), rows)
        self._ends = torch.tensor(
            [dimensions.end_token, special.end_of_text], device=self._text.device
        )  # by stage

    @property
    def rungs(self) -> set[int]:
        """The numbers of rows that every product treats alike, all of them and fewer."""
        narrower = [
            set(product.narrower)
            for product in (*self._decoder.products, self._code_head, self._text_head)
        ]
        return {self._rows} | set.intersection(*narrower)

    def step(self, slots: Slots, refining: bool) -> None:
        """`refining`: whether any slot is in the text stage, which the text head is then computed for."""
        hidden = self._decoder.forward(self.embed(slots), slots.position)
        tokens = self._draw(slots, self.code_logits(hidden), Stage.CODE)
        if refining:
            text = self._draw(slots, self.text_logits(hidden), Stage.TEXT)
            tokens = torch.where(
                (slots.stage == Stage.TEXT)[:, None], text.expand_as(tokens), tokens
            )
        slots.advance(hidden, tokens, self._ends[slots.stage])

    def embed(self, slots: Slots) -> Tensor:
        """What each row reads next, (rows, hidden) float32: its prompt, then what it drew."""
        prompting, token = slots.prompted()
        read = torch.where(
            (token == self._special.speaker)[:, None], slots.voice, self._text[token]
        )
        latest = slots.latest
        spoken = torch.stack(
            [
                table[latest[:, book].clamp(max=len(table) - 1)]
                for book, table in enumerate(self._code)
            ],
            2,
        ).sum(2)
        drawn = torch.where((slots.stage == Stage.TEXT)[:, None], self._text[latest[:, 0]], spoken)
        return torch.where(prompting[:, None], read, drawn)

    def code_logits(self, hidden: Tensor) -> Tensor:
        """(rows, codebooks, audio tokens) float32."""
        return self._code_head(hidden).view(len(hidden), self._dimensions.codebooks, -1)

    def text_logits(self, hidden: Tensor) -> Tensor:
        """(rows, 1, text tokens) float32."""
        return self._text_head(hidden)[:, None]

    def _draw(self, slots: Slots, logits: Tensor, stage: Stage) -> Tensor:
        window = slots.window[:, : logits.shape[1]].clamp(
            max=logits.shape[-1] - 1
        )  # rows of the other stage hold other tokens; theirs is dropped
        return sample(logits, window, slots.warp, slots.draw, self._end(stage), slots.may_end)

    def _end(self, stage: Stage) -> int:
        return self._special.end_of_text if stage is Stage.TEXT else self._dimensions.end_token

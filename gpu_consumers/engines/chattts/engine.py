"""The Engine of ChatTTS: requests into slots, slots a few steps on, finished ones out.

A row has the same bits in every shape that a step may take, whatever the slots hold, and no row reads another: the
bytes of a request cannot depend on its company. The rest (prompts, splits, redraws) is decided from the request alone.
"""

import heapq
from collections.abc import Iterator
from itertools import count

import torch

from gpu_consumers.engines import Utterance
from gpu_consumers.engines.chattts import judge
from gpu_consumers.engines.chattts.dimensions import SAMPLE_RATE
from gpu_consumers.engines.chattts.frontend import FrontEnd
from gpu_consumers.engines.chattts.graph import Stepper
from gpu_consumers.engines.chattts.judge import Fault
from gpu_consumers.engines.chattts.ladder import Ladder
from gpu_consumers.engines.chattts.passes import Passes, wants_refining
from gpu_consumers.engines.chattts.slots import Pass, Stage, Taken
from gpu_consumers.engines.chattts.speech import MAX_LEVEL, Piece, Speech
from gpu_consumers.engines.chattts.tokenizer import Prompter
from gpu_consumers.engines.chattts.vocoder import Vocoder
from schemas.messages import RequestError, SpeechRequest
from seedcast import metrics
from seedcast.codec import quantise
from seedcast.errors import InvalidRequest

# Without the reason, which the metric has: which piece of a request fails first depends on its company.
UNSTABLE = RequestError(code="unstable", message=f"expected plausible speech within {judge.DRAWS} draws; got none; try another voice seed or other words")

Waiting = tuple[bool, int, Speech, Piece, Pass]  # not urgent, order: what a heap compares


class ChatTTSEngine:
    sample_rate = SAMPLE_RATE

    def __init__(
        self, fingerprint: str, model: Stepper, ladder: Ladder, vocoder: Vocoder, passes: Passes, prompter: Prompter, front_end: FrontEnd, look: int
    ) -> None:
        self.fingerprint = fingerprint
        self.description = fingerprint  # until somebody says more of it
        self._model, self._ladder, self._slots, self._vocoder = model, ladder, ladder.slots, vocoder
        self._passes, self._prompter, self._front_end, self._look = passes, prompter, front_end, look
        self._order = count()
        self._waiting: list[Waiting] = []
        self._held: list[tuple[Speech, Piece, Stage] | None] = [None] * len(ladder.slots)
        self._done: list[Utterance] = []

    @property
    def slots(self) -> int:
        return len(self._slots)

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        """What cannot be spoken comes out of the next step."""
        try:
            prepared = self._front_end.prepare(request.text, request.speed, self._passes.room(request.speed))
            self._passes.voice(request)
        except InvalidRequest as error:
            self._done.append(Utterance(ticket, None, RequestError(code=error.code, message=str(error))))
            return
        metrics.UNSPOKEN.inc(prepared.unspoken)
        speech = Speech.of(ticket, request, prepared.segments, prepared.unspoken)
        for piece in list(speech.pieces):
            self._begin(speech, piece)

    @torch.inference_mode()
    def step(self) -> list[Utterance]:
        """A few steps of every slot, then one look at which have finished."""
        self._fill()
        if any(self._held):
            refining = any(held is not None and held[2] is Stage.TEXT for held in self._held)
            slots = self._ladder.fit(self._held)
            for _ in range(self._look):
                self._model.step(slots, refining)
            for speech, piece, stage, taken in list(self._finished()):
                self._settle_text(speech, piece, taken) if stage is Stage.TEXT else self._settle(speech, piece, taken)
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        self._waiting.clear()
        self._held = [None] * len(self._held)

    def _begin(self, speech: Speech, piece: Piece) -> None:
        """To the text stage, where refining is asked for and not done yet; else to the code stage."""
        text = piece.refined is None and piece.level == 0 and wants_refining(speech.request.style)
        entering = self._passes.refinement(speech.request, piece) if text else self._passes.speech(speech.request, piece)
        if entering is not None:
            heapq.heappush(self._waiting, (speech.request.priority != "urgent", next(self._order), speech, piece, entering))
        elif text:
            self._refined(speech, piece, piece.segment.text)
        else:
            self._split(speech, piece, Fault.ENDLESS)

    def _fill(self) -> None:
        for slot, held in enumerate(self._held):
            while held is None and self._waiting:
                _, _, speech, piece, entering = heapq.heappop(self._waiting)
                if speech.alive:
                    self._slots.enter(slot, entering)
                    self._held[slot] = held = (speech, piece, entering.stage)

    def _finished(self) -> Iterator[tuple[Speech, Piece, Stage, Taken]]:
        running = self._slots.running.tolist()
        for slot, held in enumerate(self._held):
            if held is not None and not running[slot]:
                self._held[slot] = None
                taken = self._slots.leave(slot)
                if held[0].alive:
                    yield *held, taken

    def _settle_text(self, speech: Speech, piece: Piece, taken: Taken) -> None:
        """What the text stage wrote; after the last draw the text as it was."""
        text = self._prompter.refined(taken.tokens[:, 0].tolist()).strip() if taken.ended else ""
        if text or piece.draw + 1 == judge.DRAWS:
            self._refined(speech, piece, text or piece.segment.text)
        else:
            self._again(speech, piece, "refinement")

    def _refined(self, speech: Speech, piece: Piece, text: str) -> None:
        piece.refined, piece.draw = text, 0
        self._begin(speech, piece)

    def _settle(self, speech: Speech, piece: Piece, taken: Taken) -> None:
        if not taken.ended:
            self._split(speech, piece, Fault.ENDLESS)
            return
        samples = self._vocoder.decode(taken.hidden)
        if fault := judge.fault(samples):
            self._redraw(speech, piece, fault)
            return
        piece.samples = samples
        speech.draw = max(speech.draw, piece.draw)
        if speech.complete:
            waveform, clipped = quantise(speech.joined())
            self._done.append(Utterance(speech.ticket, waveform, clipped=clipped, draw=speech.draw, unspoken=speech.unspoken))

    def _split(self, speech: Speech, piece: Piece, fault: Fault) -> None:
        """In shorter pieces, each from its first draw; where that is not possible, the same again with another draw."""
        segments = self._front_end.finer(piece.segment) if piece.level < MAX_LEVEL else ()
        if not segments:
            self._redraw(speech, piece, fault)
            return
        metrics.REDRAWS.labels("split").inc()
        parts = piece.parts(segments)
        speech.replace(piece, parts)
        for part in parts:
            self._begin(speech, part)

    def _redraw(self, speech: Speech, piece: Piece, fault: Fault) -> None:
        if piece.draw + 1 < judge.DRAWS:
            self._again(speech, piece, fault.name.lower())
            return
        if speech.alive:
            speech.alive = False
            self._done.append(Utterance(speech.ticket, None, UNSTABLE, draw=piece.draw, unspoken=speech.unspoken))

    def _again(self, speech: Speech, piece: Piece, reason: str) -> None:
        metrics.REDRAWS.labels(reason).inc()
        piece.draw += 1
        self._begin(speech, piece)

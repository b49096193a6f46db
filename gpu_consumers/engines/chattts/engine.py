"""The Engine of ChatTTS: requests into slots, slots a few steps on, finished ones out.

A row has the same bits in every shape that a step may take, whatever the slots hold, and no row reads another: the
bytes of a request cannot depend on its company. The rest (prompts, splits, redraws) is decided from the request alone.
"""

import heapq
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import count

import torch

from gpu_consumers.engines import Utterance
from gpu_consumers.engines.chattts import quality
from gpu_consumers.engines.chattts.async_vocoder import Vocoding
from gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from gpu_consumers.engines.chattts.generation import Generations, wants_refining
from gpu_consumers.engines.chattts.kernels.cuda_graph import Stepper
from gpu_consumers.engines.chattts.model.dimensions import SAMPLE_RATE, Samples
from gpu_consumers.engines.chattts.model.slots import Generation, Stage, Taken
from gpu_consumers.engines.chattts.model.tokenizer import Prompter
from gpu_consumers.engines.chattts.quality import Fault
from gpu_consumers.engines.chattts.speech import MAX_LEVEL, Piece, Speech
from gpu_consumers.text import FrontEnd
from schemas.messages import RequestError, SpeechRequest
from seedcast import metrics
from seedcast.codec import quantise
from seedcast.errors import InvalidRequest

# Without the reason, which the metric has: which piece of a request fails first depends on its company.
UNSTABLE = RequestError(
    code="unstable",
    message=f"expected plausible speech within {quality.DRAWS} draws; got none; try another voice seed or other words",
)


@dataclass(frozen=True)
class Pace:
    steps: int  # between two looks at which slots have finished
    ahead: bool  # whether the next steps are begun before what has finished is dealt with: where another processor takes them


Waiting = tuple[bool, int, Speech, Piece, Generation]  # not urgent, order: what a heap compares


class ChatTTSEngine:
    sample_rate = SAMPLE_RATE

    def __init__(
        self,
        fingerprint: str,
        model: Stepper,
        ladder: BatchSizes,
        vocoding: Vocoding,
        passes: Generations,
        prompter: Prompter,
        front_end: FrontEnd,
        pace: Pace,
    ) -> None:
        self.fingerprint = fingerprint
        self.description = fingerprint  # until somebody says more of it
        self.facts: dict[str, object] = {}
        self._model, self._ladder, self._slots, self._vocoding = (
            model,
            ladder,
            ladder.slots,
            vocoding,
        )
        self._passes, self._prompter, self._front_end, self._pace = (
            passes,
            prompter,
            front_end,
            pace,
        )
        self._order = count()
        self._waiting: list[Waiting] = []
        self._held: list[tuple[Speech, Piece, Stage] | None] = [None] * len(ladder.slots)
        self._sounding: list[tuple[Speech, Piece, Future[Samples]]] = []
        self._done: list[Utterance] = []

    @property
    def slots(self) -> int:
        return len(self._slots)

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        """What cannot be spoken comes out of the next step."""
        try:
            prepared = self._front_end.prepare(
                request.text, request.speed, self._passes.room(request.speed)
            )
            self._passes.voice(request)
        except InvalidRequest as error:
            self._done.append(
                Utterance(ticket, None, RequestError(code=error.code, message=str(error)))
            )
            return
        metrics.UNSPOKEN.inc(prepared.unspoken)
        speech = Speech.of(ticket, request, prepared.segments, prepared.unspoken)
        for piece in list(speech.pieces):
            self._begin(speech, piece)

    @torch.inference_mode()
    def step(self) -> list[Utterance]:
        """A few steps of every slot, and one look at which have finished. A device is left at work on the next steps meanwhile."""
        if self._pace.ahead:
            self._collect_finished()
        self._fill()
        self._run_steps()
        if not self._pace.ahead:
            self._collect_finished()
        self._collect_audio()
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        self._waiting.clear()
        self._held = [None] * len(self._held)
        self._vocoding.close()

    def _begin(self, speech: Speech, piece: Piece) -> None:
        """To the text stage, where refining is asked for and not done yet; else to the code stage."""
        text = piece.refined is None and piece.level == 0 and wants_refining(speech.request.style)
        entering = (
            self._passes.refinement(speech.request, piece)
            if text
            else self._passes.speech(speech.request, piece)
        )
        if entering is not None:
            heapq.heappush(
                self._waiting,
                (speech.request.priority != "urgent", next(self._order), speech, piece, entering),
            )
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

    def _run_steps(self) -> None:
        if not any(self._held):
            return
        refining = any(held is not None and held[2] is Stage.TEXT for held in self._held)
        slots = self._ladder.fit(self._held)
        for _ in range(self._pace.steps):
            self._model.step(slots, refining)

    def _collect_finished(self) -> None:
        for speech, piece, stage, taken in list(self._finished()):
            self._finish_text(speech, piece, taken) if stage is Stage.TEXT else self._finish_piece(
                speech, piece, taken
            )

    def _finished(self) -> Iterator[tuple[Speech, Piece, Stage, Taken]]:
        running = (
            self._slots.running.tolist() if any(self._held) else []
        )  # on a device it waits for the steps
        for slot, held in enumerate(self._held):
            if held is not None and not running[slot]:
                self._held[slot] = None
                taken = self._slots.leave(slot)
                if held[0].alive:
                    yield *held, taken

    def _finish_text(self, speech: Speech, piece: Piece, taken: Taken) -> None:
        """What the text stage wrote; after the last draw the text as it was."""
        text = self._prompter.refined(taken.tokens[:, 0].tolist()).strip() if taken.ended else ""
        if text or piece.draw + 1 == quality.DRAWS:
            self._refined(speech, piece, text or piece.segment.text)
        else:
            self._again(speech, piece, "refinement")

    def _refined(self, speech: Speech, piece: Piece, text: str) -> None:
        piece.refined, piece.draw = text, 0
        self._begin(speech, piece)

    def _finish_piece(self, speech: Speech, piece: Piece, taken: Taken) -> None:
        if not taken.ended:
            self._split(speech, piece, Fault.ENDLESS)
            return
        self._sounding.append((speech, piece, self._vocoding.submit(taken.hidden)))

    def _collect_audio(self) -> None:
        """What the vocoder has made by now; where nothing else is to be done, it is waited for."""
        if self._sounding and not any(self._held):
            wait([future for *_, future in self._sounding], return_when=FIRST_COMPLETED)
        sounding, self._sounding = self._sounding, []
        for speech, piece, future in sounding:
            if future.done():
                self._judge(speech, piece, future.result())
            else:
                self._sounding.append((speech, piece, future))

    def _judge(self, speech: Speech, piece: Piece, samples: Samples) -> None:
        if not speech.alive:
            return
        if fault := quality.fault(samples):
            self._redraw(speech, piece, fault)
            return
        piece.samples = samples
        speech.draw = max(speech.draw, piece.draw)
        if speech.complete:
            waveform, clipped = quantise(speech.joined())
            self._done.append(
                Utterance(
                    speech.ticket,
                    waveform,
                    clipped=clipped,
                    draw=speech.draw,
                    unspoken=speech.unspoken,
                )
            )

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
        if piece.draw + 1 < quality.DRAWS:
            self._again(speech, piece, fault.name.lower())
            return
        if speech.alive:
            speech.alive = False
            self._done.append(
                Utterance(speech.ticket, None, UNSTABLE, draw=piece.draw, unspoken=speech.unspoken)
            )

    def _again(self, speech: Speech, piece: Piece, reason: str) -> None:
        metrics.REDRAWS.labels(reason).inc()
        piece.draw += 1
        self._begin(speech, piece)

"""The Engine of ChatTTS: puts requests into slots, advances the slots, takes finished ones out.

Each slot is one row of the batch. A row's result is bit-identical in every batch size in use and
whatever the other rows hold, so a request's waveform does not depend on its neighbours. Prompts,
splits and redraws depend on the request alone.
"""

import heapq
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import torch

from seedcast import metrics
from seedcast.errors import InvalidRequest
from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.engines.chattts import quality
from seedcast.gpu_consumers.engines.chattts.async_vocoder import VocoderExecutor
from seedcast.gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from seedcast.gpu_consumers.engines.chattts.generation import GenerationBuilder, wants_refining
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import Stepper
from seedcast.gpu_consumers.engines.chattts.model.dimensions import SAMPLE_RATE, Samples
from seedcast.gpu_consumers.engines.chattts.model.slots import Generation, Look, SlotOutput, Stage
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import Prompter
from seedcast.gpu_consumers.engines.chattts.quality import Fault
from seedcast.gpu_consumers.engines.chattts.speech import MAX_DEPTH, Chunk, Speech
from seedcast.gpu_consumers.engines.fingerprint import fingerprint
from seedcast.gpu_consumers.text import FrontEnd
from seedcast.schemas.messages import RequestError, SpeechRequest
from seedcast.waveforms import quantise

# The message omits the fault: which chunk fails first depends on the other requests, and the result
# must not. The metric `redraws` counts the faults.
UNSTABLE = RequestError(
    code="unstable",
    message=(
        f"expected plausible speech within {quality.DRAWS} draws; got none; "
        "try another voice seed or other words"
    ),
)

SLOTS_PER_SPARE = 8  # for so many slots one request more waits in the engine


@dataclass(frozen=True)
class Pace:
    """How `ChatTTSEngine.step` interleaves the steps of the slots with the rest of its work."""

    steps: int  # between two looks for finished slots
    behind: int  # looks that may be outstanding: a device goes on while the host deals with one


class Waiting(NamedTuple):
    """A generation that waits for a slot. A heap compares the first two fields: urgent first."""

    bulk: bool
    order: int
    speech: Speech
    chunk: Chunk
    generation: Generation


class Occupant(NamedTuple):
    """What a busy slot works on."""

    speech: Speech
    chunk: Chunk
    stage: Stage


class ChatTTSEngine:
    """`facts` become the fingerprint; `pace` suits the device that `model` runs on."""

    sample_rate = SAMPLE_RATE

    def __init__(
        self,
        model: Stepper,
        batch_sizes: BatchSizes,
        vocoder: VocoderExecutor,
        generations: GenerationBuilder,
        prompter: Prompter,
        front_end: FrontEnd,
        pace: Pace,
        *,
        facts: Mapping[str, object],
        description: str,
    ) -> None:
        self.facts, self.fingerprint, self.description = facts, fingerprint(facts), description
        self._model, self._vocoder = model, vocoder
        self._batch_sizes, self._slots = batch_sizes, batch_sizes.slots
        self._generations, self._prompter = generations, prompter
        self._front_end, self._pace = front_end, pace
        self._order = count()
        self._waiting: list[Waiting] = []
        self._occupants: list[Occupant | None] = [None] * len(self._slots)
        # Each with what the slots worked on when it was taken.
        self._looks: deque[tuple[Look, list[Occupant | None]]] = deque()
        self._vocoding: list[tuple[Speech, Chunk, Future[Samples]]] = []
        self._utterances: list[Utterance] = []

    @property
    def slots(self) -> int:
        return len(self._slots)

    @property
    def capacity(self) -> int:
        """With a look outstanding, some wait in the engine: a freed slot is filled at once."""
        return self.slots + (self.slots // SLOTS_PER_SPARE if self._pace.behind else 0)

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        """Queue a request; the next step returns the error of a text that cannot be spoken."""
        try:
            longest = self._generations.longest_text(request.speed)
            prepared = self._front_end.prepare(
                request.text,
                request.speed,
                longest,
                request.text_format or "plain",
                request.locale or None,
            )
            self._generations.voice(request)
        except InvalidRequest as error:
            rejection = RequestError(code=error.code, message=str(error))
            self._utterances.append(Utterance(ticket, None, rejection))
            return
        metrics.UNSPOKEN.inc(prepared.unspoken)
        speech = Speech.of(ticket, request, prepared.segments, prepared.unspoken)
        for chunk in list(speech.chunks):
            self._enqueue(speech, chunk)

    @torch.inference_mode()
    def step(self) -> list[Utterance]:
        """Take the pace's steps with every slot, and deal with the slots that have finished.

        A device still works on the latest steps when the call returns.
        """
        self._fill_slots()
        self._run_steps()
        while len(self._looks) > self._pace.behind:
            self._collect_finished(*self._looks.popleft())
        self._collect_audio()
        utterances, self._utterances = self._utterances, []
        return utterances

    def close(self) -> None:
        self._waiting.clear()
        self._looks.clear()
        self._vocoding.clear()
        self._occupants = [None] * len(self._occupants)
        self._vocoder.close()

    def _enqueue(self, speech: Speech, chunk: Chunk) -> None:
        """Queue a chunk for the text stage if it is to be refined, else for the code stage."""
        refining = (
            chunk.refined is None and chunk.depth == 0 and wants_refining(speech.request.style)
        )
        build = self._generations.text_stage if refining else self._generations.code_stage
        generation = build(speech.request, chunk)
        if generation is not None:
            bulk = speech.request.priority != "urgent"
            waiting = Waiting(bulk, next(self._order), speech, chunk, generation)
            heapq.heappush(self._waiting, waiting)
        elif refining:
            self._enqueue_refined(speech, chunk, chunk.segment.text)
        else:
            self._split(speech, chunk, Fault.ENDLESS)

    def _fill_slots(self) -> None:
        entering = dict[int, Generation]()
        for slot, occupant in enumerate(self._occupants):
            while occupant is None and self._waiting:
                _, _, speech, chunk, generation = heapq.heappop(self._waiting)
                if not speech.failed:
                    entering[slot] = generation
                    occupant = Occupant(speech, chunk, generation.stage)
                    self._occupants[slot] = occupant
        self._slots.enter(entering)

    def _run_steps(self) -> None:
        if not any(self._occupants):
            self._looks.clear()  # nobody is left in them
            return
        refining = any(busy is not None and busy.stage is Stage.TEXT for busy in self._occupants)
        # An outstanding look knows its occupants by their slots, so nobody may move.
        behind = self._pace.behind
        slots = self._slots if behind else self._batch_sizes.fit(self._occupants)
        for _ in range(self._pace.steps):
            self._model.step(slots, refining)
        self._looks.append((self._slots.look(), list(self._occupants)))

    def _collect_finished(self, look: Look, occupants: Sequence[Occupant | None]) -> None:
        with self._slots.reading(look):
            finished = list(self._free_finished_slots(look, occupants))
            for (speech, chunk, stage), output in finished:
                if stage is Stage.TEXT:
                    self._finish_refinement(speech, chunk, output)
                else:
                    self._finish_speech(speech, chunk, output)

    def _free_finished_slots(
        self, look: Look, occupants: Sequence[Occupant | None]
    ) -> Iterator[tuple[Occupant, SlotOutput]]:
        """Free every slot that has stopped; yield what it worked on if that is still wanted."""
        status = look.read()
        running = status["running"].tolist()
        for slot, occupant in enumerate(occupants):
            # Since the look was taken the slot may have got another occupant.
            theirs = occupant is not None and self._occupants[slot] is occupant
            if occupant is not None and theirs and not running[slot]:
                self._occupants[slot] = None
                output = self._slots.leave(slot, status[slot])
                if not occupant.speech.failed:
                    yield occupant, output

    def _finish_refinement(self, speech: Speech, chunk: Chunk, output: SlotOutput) -> None:
        """Accept what the text stage wrote; after the last draw fall back to the original text."""
        text = self._prompter.refined(output.tokens[:, 0].tolist()).strip() if output.ended else ""
        if text or chunk.draw + 1 == quality.DRAWS:
            self._enqueue_refined(speech, chunk, text or chunk.segment.text)
        else:
            self._draw_again(speech, chunk, "refinement")

    def _enqueue_refined(self, speech: Speech, chunk: Chunk, text: str) -> None:
        chunk.refined, chunk.draw = text, 0
        self._enqueue(speech, chunk)

    def _finish_speech(self, speech: Speech, chunk: Chunk, output: SlotOutput) -> None:
        if output.ended:
            self._vocoding.append((speech, chunk, self._vocoder.submit(output.hidden)))
        else:
            self._split(speech, chunk, Fault.ENDLESS)

    def _collect_audio(self) -> None:
        """Collect what the vocoder has finished; wait for it only if all slots are free."""
        if self._vocoding and not any(self._occupants):
            wait([future for *_, future in self._vocoding], return_when=FIRST_COMPLETED)
        pending, self._vocoding = self._vocoding, []
        for speech, chunk, future in pending:
            if future.done():
                self._check_quality(speech, chunk, future.result())
            else:
                self._vocoding.append((speech, chunk, future))

    def _check_quality(self, speech: Speech, chunk: Chunk, samples: Samples) -> None:
        """Accept a chunk's samples, or draw it again; the last chunk finishes the request."""
        if speech.failed:
            return
        if fault := quality.check(samples):
            self._redraw(speech, chunk, fault)
            return
        chunk.samples = samples
        speech.draw = max(speech.draw, chunk.draw)
        if speech.complete:
            self._finish(speech)

    def _finish(self, speech: Speech) -> None:
        waveform, clipped = quantise(speech.join())
        utterance = Utterance(
            speech.ticket, waveform, clipped=clipped, draw=speech.draw, unspoken=speech.unspoken
        )
        self._utterances.append(utterance)

    def _split(self, speech: Speech, chunk: Chunk, fault: Fault) -> None:
        """Replace a chunk by shorter ones at their first draw; redraw it if it cannot be split."""
        segments = self._front_end.finer(chunk.segment) if chunk.depth < MAX_DEPTH else ()
        if not segments:
            self._redraw(speech, chunk, fault)
            return
        metrics.REDRAWS.labels("split").inc()
        parts = chunk.split(segments)
        speech.replace(chunk, parts)
        for part in parts:
            self._enqueue(speech, part)

    def _redraw(self, speech: Speech, chunk: Chunk, fault: Fault) -> None:
        """Draw a chunk again; after the last draw, fail its request once."""
        if chunk.draw + 1 < quality.DRAWS:
            self._draw_again(speech, chunk, fault.name.lower())
            return
        if not speech.failed:
            speech.failed = True
            utterance = Utterance(
                speech.ticket, None, UNSTABLE, draw=chunk.draw, unspoken=speech.unspoken
            )
            self._utterances.append(utterance)

    def _draw_again(self, speech: Speech, chunk: Chunk, reason: str) -> None:
        metrics.REDRAWS.labels(reason).inc()
        chunk.draw += 1
        self._enqueue(speech, chunk)

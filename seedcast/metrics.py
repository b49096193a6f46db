"""Every metric, in one table, and the HTTP page that exposes them.

The values of a label are bounded: never use a request id, a campaign id or a text as one.
"""

import math
import socket
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.metrics import MetricWrapperBase

from seedcast.errors import LocalResource
from seedcast.health import LIVE, READY, Readiness, respond
from seedcast.settings import MetricsSettings

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

REQUESTS_TAKEN = Counter("seedcast_requests_taken", "Requests read from the requests topics")
AUDIO_TAKEN = Counter("seedcast_audio_taken", "Waveforms and rejections read from the audio topics")
REQUESTS_FINISHED = Counter(
    "seedcast_requests_finished",
    "Requests whose audio or rejection was acknowledged on the audio topic",
    ["outcome"],
)
REQUESTS_REPEATED = Counter(
    "seedcast_requests_repeated", "Requests skipped because the committed bitmap marks them as done"
)
REQUESTS_DROPPED = Counter(
    "seedcast_requests_dropped",
    "Finished requests that were dropped because their partition had been revoked",
)
REQUESTS_FED = Counter(
    "seedcast_requests_fed", "Rows of staged lists that were acknowledged on the requests topics"
)
LISTS_UNFED = Gauge(
    "seedcast_lists_unfed_requests",
    "Rows of staged lists that are not fed yet, paused ones left out",
)
LISTS_HELD = Gauge(
    "seedcast_lists_held", "Staged lists that cannot be fed: a part is missing or altered"
)
WORKERS_WANTED = Gauge(
    "seedcast_workers_wanted",
    "GPU consumers that the lists want for their deadlines, else for SEEDCAST_FEEDER_BACKLOG_GOAL",
)
BACKLOG_AUDIO = Gauge(
    "seedcast_backlog_audio_seconds",
    "Predicted audio of rows that are not fed, paused ones left out, or that have no result yet",
)
DEADLINE_SLACK = Gauge(
    "seedcast_deadline_slack_seconds",
    "Seconds from the predicted end of a list to its deadline, of the list that has fewest; "
    "NaN where none has a deadline",
)
FEED_DEPTH_ROWS = Gauge(
    "seedcast_feed_depth_rows", "Rows of lists that are fed and have no result yet"
)
FEED_DEPTH_AUDIO = Gauge("seedcast_feed_depth_audio_seconds", "Their predicted audio")
ROWS_WITHOUT_RESULT = Counter(
    "seedcast_rows_without_result",
    "Fed rows that both consumer groups have passed, and that have no result",
)
FEEDER_ACTIVE = Gauge("seedcast_feeder_active", "1 in the active feeder, 0 in the others")
INDEXER_ACTIVE = Gauge("seedcast_indexer_active", "1 in the active indexer, 0 in the others")
INDEXED_RESULTS = Counter(
    "seedcast_indexed_results", "Results that were stored in the index, repeats included"
)
INDEX_LAG = Gauge(
    "seedcast_index_lag_records", "Records of the results topic that are not in the index yet"
)
INDEX_AGE = Gauge(
    "seedcast_index_age_seconds",
    "Seconds that the index is behind: 0 while it has all that there is",
)
GATEWAY_REQUESTS = Counter(
    "seedcast_gateway_requests", "Requests that a gateway answered", ["route", "status"]
)
GATEWAY_SECONDS = Histogram(
    "seedcast_gateway_seconds",
    "Seconds from a request's headers to its answer, synthesis included",
    ["route"],
    buckets=_SECONDS,
)
GATEWAY_LATE = Counter(
    "seedcast_gateway_late", "Speeches that were not there by the deadline of the client's request"
)
GATEWAY_BREAKER = Gauge(
    "seedcast_gateway_breaker_open", "1 while a gateway refuses speeches at once: many failed"
)
GATEWAY_LIMITS_UNSHARED = Gauge(
    "seedcast_gateway_limits_unshared",
    "1 while a gateway cannot reach the Redis of the limits, and allows its own part",
)
GATEWAY_ISSUER_KEYS_AGE = Gauge(
    "seedcast_gateway_issuer_keys_age_seconds",
    "Seconds since a gateway has read the public keys of the tokens' issuer, or tried for the first"
    " time; 0 without an issuer",
)
GATEWAY_STAGINGS = Counter(
    "seedcast_gateway_stagings", "Lists that a gateway's processes have checked or staged", ["end"]
)
GATEWAY_BATCHES = Counter(
    "seedcast_gateway_batches", "Batches that have ended, by their final status", ["status"]
)
GATEWAY_BATCH_RETRIES = Counter(
    "seedcast_gateway_batch_retries",
    "Steps of batches that are tried again: the index, Kafka, the store or the accounts were away",
)
GATEWAY_REFUSED = Counter(
    "seedcast_gateway_refused_connections",
    "Connections that a gateway closed: too many, headers too slow or too large, or nobody reads",
    ["reason"],
)
GATEWAY_LISTENERS = Gauge("seedcast_gateway_listeners", "Open streams of events")
GATEWAY_PREVIEWS = Counter(
    "seedcast_gateway_previews",
    "Processes that read the first rows of a list, by how they ended: shown, or ended (too early)",
    ["end"],
)
GATEWAY_FORGOTTEN = Counter(
    "seedcast_gateway_forgotten",
    "Old records that were deleted from the database of keys, or given up, by what they are",
    ["what"],
)
WEBHOOK_ATTEMPTS = Counter(
    "seedcast_webhook_attempts",
    "Calls of webhooks, by how they ended: delivered, again (they are repeated) or failed (not)",
    ["end"],
)
WEBHOOKS_DISABLED = Counter(
    "seedcast_webhooks_disabled",
    "Webhooks that a gateway has disabled: gone (410), or nothing was delivered for days (failing)",
    ["reason"],
)
WEBHOOK_OVERDUE = Gauge(
    "seedcast_webhook_overdue_seconds",
    "Seconds for which the first delivery waits that could be made now; 0 if none waits",
)
INDEX_LISTS_PENDING = Gauge(
    "seedcast_index_lists_pending", "Staged lists whose rows are not in the index yet"
)
INDEX_LISTS_HELD = Gauge(
    "seedcast_index_lists_held",
    "Staged lists that cannot be read into the index, of campaigns that have not ended: a part is"
    " missing or altered",
)
SLOTS_BUSY = Gauge("seedcast_slots_busy", "Slots of the engine that have an utterance")
REQUESTS_WAITING = Gauge("seedcast_requests_waiting", "Requests read but not yet in a slot")
PARTITIONS_PAUSED = Gauge("seedcast_partitions_paused", "Partitions throttled for back-pressure")
AUDIO_BACKLOG = Gauge(
    "seedcast_audio_backlog_bytes",
    "Audio that is not post-processed yet, estimated: the group's lag times the mean record size",
)
BULK_HELD_BACK = Gauge(
    "seedcast_bulk_held_back",
    "1 while bulk requests get no slot because the audio backlog is over its limit, else 0",
)
AUDIO_SYNTHESISED = Counter(
    "seedcast_audio_synthesised_seconds", "Seconds of audio that the engine synthesised"
)
STEP_SECONDS = Histogram(
    "seedcast_engine_step_seconds", "Duration of one engine step", buckets=_SECONDS
)
REDRAWS = Counter(
    "seedcast_engine_redraws",
    "Pieces of speech drawn again or split, because their audio could not be the text",
    ["reason"],
)
UNSPOKEN = Counter(
    "seedcast_unspoken_characters", "Characters of texts that the engine has no sound for"
)
COMMITS = Counter("seedcast_commits", "Offset commits of the GPU consumer", ["outcome"])
DEAD_LETTERS = Counter("seedcast_dead_letters", "Records without a readable request id", ["stage"])
RESULTS = Counter("seedcast_results", "Manifests acknowledged on the results topic", ["status"])
REPLIES_WAITING = Gauge(
    "seedcast_replies_waiting", "Urgent requests whose results this gateway waits for"
)
REPLIES_BEHIND = Gauge(
    "seedcast_replies_behind_records",
    "Records of results.urgent that this gateway has not read yet, as far as it knows",
)
REPLIES = Counter(
    "seedcast_replies",
    "Records read from results.urgent: awaited here, or another gateway's, late or a repeat",
    ["awaited"],
)
STAGE_SECONDS = Histogram(
    "seedcast_postprocess_stage_seconds",
    "Duration of one post-processing stage of one record",
    ["stage"],
    buckets=_SECONDS,
)
RENDITION_BYTES = Counter("seedcast_rendition_bytes", "Bytes of audio objects stored", ["profile"])
RETRIES = Counter(
    "seedcast_retries", "Attempts repeated because a broker or store was unavailable", ["boundary"]
)
END_TO_END_SECONDS = Histogram(
    "seedcast_end_to_end_seconds",
    "Seconds from the submission of a request to its acknowledged manifest",
    buckets=(*_SECONDS, 14400, 28800, 57600),
)

DEADLINE_SLACK.set(math.nan)  # 0 would tell of a deadline

ALL: tuple[MetricWrapperBase, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, MetricWrapperBase)
)


def total(counter: Counter) -> int:
    """Returns the sum over all labels."""
    samples = (sample for family in counter.collect() for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))


def value(gauge: Gauge) -> float:
    """Returns the value of a gauge without labels."""
    [family] = gauge.collect()
    return float(family.samples[0].value)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Logs nothing, because a probe asks every few seconds."""


def serve(settings: MetricsSettings, readiness: Readiness | None = None) -> int:
    """Serves /metrics, /ready and /live in a thread, and returns the port.

    Raises LocalResource if the port is taken.
    """
    server_class = _Server6 if ":" in settings.host else _Server
    try:
        server = server_class((settings.host, settings.port), _SilentHandler)
    except OSError as error:
        raise LocalResource(
            f"the metrics page cannot listen on {settings.host}:{settings.port}",
            expected="a free port",
            got=str(error),
            remedy="set SEEDCAST_METRICS_PORT to another port, or to 0 for any free one",
        ) from error
    server.set_app(_page(readiness or Readiness()))
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return int(server.server_port)


def _page(readiness: Readiness) -> WSGIApplication:
    exposition = make_wsgi_app()

    def page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ["PATH_INFO"])
        if path in (LIVE, READY):
            return respond(readiness, path, start_response)
        response: Iterable[bytes] = exposition(environ, start_response)
        return response

    return page


def table() -> list[tuple[str, str, str, str]]:
    """Returns (exposed name, type, labels, meaning) of every metric."""
    return [
        (
            family.name + "_total" * (family.type == "counter"),
            family.type,
            ", ".join(m._labelnames),
            family.documentation,
        )
        for m in ALL
        for family in m.describe()
    ]

"""Every metric, in one table, and the page that shows them.

Labels are bounded: never a request id, a campaign id or a text.
"""

from prometheus_client import Counter, Gauge, Histogram, start_http_server
from prometheus_client.metrics import MetricWrapperBase

from seedcast.errors import LocalResource
from seedcast.settings import MetricsSettings

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

REQUESTS_TAKEN = Counter("seedcast_requests_taken", "Requests read from the requests topics")
REQUESTS_FINISHED = Counter("seedcast_requests_finished", "Requests that left the GPU consumer, acknowledged on the audio topic", ["outcome"])
REQUESTS_REPEATED = Counter("seedcast_requests_repeated", "Requests skipped because the committed bitmap had them done")
REQUESTS_DROPPED = Counter("seedcast_requests_dropped", "Finished requests of a partition that was no longer ours")
SLOTS_BUSY = Gauge("seedcast_slots_busy", "Slots of the engine that hold an utterance")
REQUESTS_WAITING = Gauge("seedcast_requests_waiting", "Requests read but not yet in a slot")
PARTITIONS_PAUSED = Gauge("seedcast_partitions_paused", "Partitions paused for back-pressure")
AUDIO_SYNTHESISED = Counter("seedcast_audio_synthesised_seconds", "Seconds of audio that the engine made")
STEP_SECONDS = Histogram("seedcast_engine_step_seconds", "Duration of one engine step", buckets=_SECONDS)
COMMITS = Counter("seedcast_commits", "Offset commits of the GPU consumer", ["outcome"])
DEAD_LETTERS = Counter("seedcast_dead_letters", "Records without a readable request id", ["stage"])
RESULTS = Counter("seedcast_results", "Manifests acknowledged on the results topic", ["status"])
STAGE_SECONDS = Histogram("seedcast_postprocess_stage_seconds", "Duration of one stage of one record", ["stage"], buckets=_SECONDS)
RENDITION_BYTES = Counter("seedcast_rendition_bytes", "Bytes of audio objects stored", ["profile"])
RETRIES = Counter("seedcast_retries", "Attempts repeated because something was unavailable", ["boundary"])
END_TO_END_SECONDS = Histogram("seedcast_end_to_end_seconds", "From submission to the acknowledged manifest", buckets=_SECONDS)

ALL: tuple[MetricWrapperBase, ...] = tuple(value for value in list(globals().values()) if isinstance(value, MetricWrapperBase))


def serve(settings: MetricsSettings) -> int:
    """Starts the page at /metrics; returns its port. Raises LocalResource where the port is taken."""
    try:
        server, _ = start_http_server(settings.port, settings.host)
    except OSError as error:
        raise LocalResource(
            f"metrics page on {settings.host}:{settings.port}",
            expected="a free port",
            got=str(error),
            remedy="set SEEDCAST_METRICS_PORT to another, or to 0 for any",
        ) from error
    return int(server.server_port)


def table() -> list[tuple[str, str, str, str]]:
    """Every metric: exposed name, type, labels, meaning."""
    return [
        (family.name + "_total" * (family.type == "counter"), family.type, ", ".join(m._labelnames), family.documentation)
        for m in ALL
        for family in m.describe()
    ]

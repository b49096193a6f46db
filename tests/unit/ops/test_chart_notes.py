"""The chart's notes after an installation: commands that can be copied."""

import shlex
import shutil
from pathlib import Path

from tests.unit.ops.chart import CHART, SCALED, needs_helm, objects

pytestmark = needs_helm

# `helm template` does not render notes, and `helm install --dry-run` needs a cluster.
SHOWN = """apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  text: |-
    {{- tpl (.Files.Get "NOTES.txt") . | nindent 4 }}
"""


def notes(folder: Path, *changes: str) -> str:
    chart = folder / "chart"
    shutil.copytree(CHART, chart)
    (chart / "templates" / "NOTES.txt").rename(chart / "NOTES.txt")
    (chart / "templates" / "notes.yaml").write_text(SHOWN)
    return str(objects(*changes, chart=chart)["ConfigMap", "notes"]["data"]["text"])


def exported(text: str) -> dict[str, str]:
    words = [shlex.split(line) for line in text.splitlines() if line.strip().startswith("export ")]
    return dict(word.split("=", 1) for _, word in words)


def test_the_notes_export_the_kafka_settings_of_the_workers(tmp_path: Path) -> None:
    changes = (
        "settings.SEEDCAST_KAFKA_PREFIX=nightly",
        "settings.SEEDCAST_KAFKA_SECURITY_PROTOCOL=SASL_SSL",
        """settings.SEEDCAST_KAFKA_OPTIONS='{"client.rack":"it's"}'""",
    )
    text = notes(tmp_path, *changes)
    assert exported(text) == {
        "SEEDCAST_KAFKA_BOOTSTRAP": "kafka-bootstrap:9092",
        "SEEDCAST_KAFKA_PREFIX": "nightly",
        "SEEDCAST_KAFKA_PARTITIONS": "48",
        "SEEDCAST_KAFKA_REPLICATION": "3",
        "SEEDCAST_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "SEEDCAST_KAFKA_OPTIONS": """'{"client.rack":"it's"}'""",
    }
    assert (
        text.index("export SEEDCAST_KAFKA_PREFIX")
        < text.index("seedcast topics create")
        < text.index("seedcast submit")
    )


def test_the_notes_name_the_workers_and_what_is_missing(tmp_path: Path) -> None:
    text = notes(
        tmp_path,
        *SCALED,
        "gpuConsumer.settings.SEEDCAST_GPU_ENGINE=chattts",
        "existingSecret=",
        "profiles=rows",
    )
    assert (
        "2 feeder(s), of which one is active, 0 to 8 GPU consumer(s) with the engine chattts"
        in text
    )
    assert "chattts, 2 post-process worker(s)" in text
    assert "No Secret is named" in text
    assert "SEEDCAST_POSTPROCESS_PROFILES=FILE" in text

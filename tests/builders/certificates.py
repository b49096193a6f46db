"""Certificates of an authority that nobody knows, made by openssl, which every Linux has."""

import os
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from seedcast.embedded.stack_state import HOST


def certificates(folder: Path) -> Path:
    """Return a folder with ca.pem and server.pem, which has key, certificate and authority."""
    if not shutil.which("openssl"):
        if os.environ.get("CI") == "true":
            pytest.fail("expected openssl")
        pytest.skip("there is no openssl to make a certificate with")
    made = folder / "certificates"
    made.mkdir()

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=made, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        "req",
        "-x509",
        *key,
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        f"/CN=Seedcast tests {uuid4().hex[:8]}",
    )
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (made / "names").write_text(f"subjectAltName=DNS:localhost,IP:{HOST}\n")
    openssl(
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-days",
        "2",
        "-CAcreateserial",
        "-extfile",
        "names",
        "-out",
        "server.crt",
    )
    parts = [(made / name).read_text() for name in ("server.key", "server.crt", "ca.pem")]
    (made / "server.pem").write_text("".join(parts))
    return made

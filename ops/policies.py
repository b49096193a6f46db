"""A role's least rights on the object store, as the policy that AWS and MinIO read."""

import json
from collections.abc import Iterator
from typing import Any

from seedcast.schemas.rights import READER, Role

BUCKET = "seedcast"


def policy(role: Role, bucket: str = BUCKET) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(_statements(role, bucket))}


def readers_policy() -> str:
    """Return the reader's policy as a block of JSON, one statement per line."""
    *statements, last = map(json.dumps, policy(READER)["Statement"])
    lines = [f"    {statement}," for statement in statements]
    head = '{\n  "Version": "2012-10-17",\n  "Statement": ['
    return "\n".join(["```json", head, *lines, f"    {last}", "  ]\n}", "```"])


def _statements(role: Role, bucket: str) -> Iterator[dict[str, str]]:
    for right in role.objects:
        allowed = right.removeprefix("Deny ")
        action, resource = allowed.split(" on ")
        yield {
            "Effect": "Allow" if allowed == right else "Deny",
            "Action": action,
            "Resource": f"arn:aws:s3:::{resource.replace('BUCKET', bucket)}",
        }

"""Judges a role's policy as S3 does: one Deny outweighs every Allow."""

from fnmatch import fnmatchcase

from ops.policies import BUCKET, policy
from seedcast.schemas.rights import Role


def may(role: Role, action: str, key: str = "") -> bool:
    """`key`: of an object; "" asks about the bucket itself."""
    resource = f"arn:aws:s3:::{BUCKET}/{key}" if key else f"arn:aws:s3:::{BUCKET}"
    effects = {
        statement["Effect"]
        for statement in policy(role)["Statement"]
        if statement["Action"] == action and fnmatchcase(resource, statement["Resource"])
    }
    return effects == {"Allow"}

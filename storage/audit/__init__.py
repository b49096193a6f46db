"""Audit a campaign: prove or refute that every request ended exactly once.

It reads the topics, the committed offsets and the object store:

    from seedcast.storage.audit import audit
    from seedcast.storage.s3 import S3Store

    report = audit(settings, "july-bills", S3Store(settings.s3))
    print(report.ok, *report.breaches, sep="\\n")
"""

from seedcast.storage.audit.auditor import audit
from seedcast.storage.audit.collect import Progress
from seedcast.storage.audit.object_checks import ObjectCheck
from seedcast.storage.audit.report import Check, Finding, Report

__all__ = ["Check", "Finding", "ObjectCheck", "Progress", "Report", "audit"]

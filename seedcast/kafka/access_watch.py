"""Asks every few seconds whether the brokers still take our password and grant our rights.

Both kinds of worker do it, so that a refusal in mid-run is told in one way, with its remedy. The
clients themselves wait and try again: no record is lost to a rotated password.
"""

import threading

import structlog

from seedcast.errors import AccessDenied, CredentialsRefused, SeedcastError
from seedcast.health import Readiness
from seedcast.kafka.admin import Admin
from seedcast.schemas.rights import Role
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

INTERVAL = 20.0  # seconds between two looks; one is up to seven requests to the broker
ACCESS = "access"  # what readiness lacks meanwhile


class AccessWatch:
    """Runs in a thread of its own until `close`."""

    def __init__(self, settings: Settings, role: Role, readiness: Readiness) -> None:
        """Call it after `Admin.require` has passed."""
        self._settings, self._role, self._readiness = settings, role, readiness
        self._problem: str | None = None
        self._stop = threading.Event()
        readiness.meet(ACCESS)
        threading.Thread(target=self._watch, name="access", daemon=True).start()

    def close(self) -> None:
        self._stop.set()

    def report(self, problem: str | None) -> None:
        """Log what is refused now, and its end, once each; None: nothing."""
        if problem == self._problem:
            return
        self._problem = problem
        if problem is None:
            self._readiness.meet(ACCESS)
            log.info("access_restored", next="work goes on")
        else:
            self._readiness.lose(ACCESS)
            log.error("access_refused", problem=problem, next="work waits; nothing is lost")

    def _watch(self) -> None:
        admin: Admin | None = None
        while not self._stop.wait(INTERVAL):
            try:
                admin = admin or self._connect()
                admin.require(self._role)
            except AccessDenied as error:
                self.report(str(error))
            except CredentialsRefused as error:
                admin = None  # the next one reads the password again
                self.report(str(error))
            except SeedcastError:  # an outage, which others report
                admin = None
            else:
                self.report(None)

    def _connect(self) -> Admin:
        admin = Admin(self._settings)
        admin.cluster_id()
        return admin

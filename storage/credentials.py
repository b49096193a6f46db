"""Where the object store's keys come from. minio asks for them before each call."""

import os

from minio.credentials.credentials import Credentials
from minio.credentials.providers import IamAwsProvider, Provider
from urllib3 import PoolManager

from seedcast.errors import CredentialsRefused
from seedcast.settings import S3Settings, secret_of

# As the SDKs of AWS name them: a role of a Kubernetes service account, of a container.
_ROLE = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


class _Keys(Provider):
    """Keys from the settings or from files, which are read each time: so they can be rotated."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    def retrieve(self) -> Credentials:
        """Raises CredentialsRefused if a key is missing, InvalidSettings for an unreadable file."""
        settings = self._settings
        access = secret_of(settings.access_key, settings.access_key_file)
        secret = secret_of(settings.secret_key.get_secret_value(), settings.secret_key_file)
        if not access or not secret:
            raise CredentialsRefused(
                "credentials of the object store",
                expected="an access key and a secret key, or the role of a service account",
                got="one of the keys, or neither",
                remedy="set SEEDCAST_S3_ACCESS_KEY and SEEDCAST_S3_SECRET_KEY, or …_FILE of them",
            )
        return Credentials(access, secret, settings.session_token.get_secret_value() or None)


def provider(settings: S3Settings, http: PoolManager) -> Provider:
    """Return the keys of the settings, or without any those of the role that the machine has.

    `http` is for asking for the role's, which are renewed before they expire.

    Raises CredentialsRefused if there is neither.
    """
    named = settings.access_key or settings.access_key_file or settings.secret_key_file
    if not named and any(os.environ.get(name) for name in _ROLE):
        return IamAwsProvider(region=settings.region, http_client=http)
    keys = _Keys(settings)
    keys.retrieve()
    return keys

"""The secrets that deliveries are signed with: made, and encrypted for the database.

A gateway needs a secret itself to sign, so a hash of it would not do. What is stored is encrypted
by Fernet (AES-CBC and HMAC-SHA-256) with a key that is not in the database.
"""

import base64
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from seedcast.errors import InvalidSettings
from seedcast.settings import AccountsSettings, WebhookSettings, secret_of

PREFIX = "whsec_"  # of Standard Webhooks, and of OpenAI's
_BYTES = 32
_HINT = 4  # characters that are shown of one
_PURPOSE = b"seedcast webhooks"


class SecretUnreadable(Exception):
    """It was encrypted with a key that the settings do not have."""


class Sealer:
    """Encrypts with the first of the keys, and decrypts with each of them.

    Raises InvalidSettings if there is no key, or its file cannot be read.
    """

    def __init__(self, settings: WebhookSettings, accounts: AccountsSettings) -> None:
        given = settings.key.get_secret_value()
        keys = secret_of(given, settings.key_file).split()
        if not keys:
            raise InvalidSettings(
                "the key that encrypts the secrets of webhooks",
                expected="one or more random texts, each on a line of its own, the newest first",
                got="none",
                remedy="set SEEDCAST_WEBHOOKS_KEY_FILE or SEEDCAST_WEBHOOKS_KEY",
            )
        self._fernet = MultiFernet([_fernet(key) for key in keys])
        is_default = keys[0] == WebhookSettings().key.get_secret_value()
        self._is_known = is_default and not accounts.url.startswith("sqlite:")

    def seal(self, secret: str) -> bytes:
        """Raises InvalidSettings where the key is the default, which anybody can read."""
        if self._is_known:
            raise InvalidSettings(
                "the key that encrypts the secrets of webhooks",
                expected="one of your own, since the database is a server",
                got="the default",
                remedy="set SEEDCAST_WEBHOOKS_KEY_FILE, the same for gateways and `seedcast`",
            )
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Raises SecretUnreadable."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SecretUnreadable from None


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def hint(secret: str) -> str:
    """Return what may be shown of a secret, by which its owner tells it from others."""
    return f"{PREFIX}…{secret[-_HINT:]}"


def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))

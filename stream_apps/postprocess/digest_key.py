"""The key of the receipts' text digests: the default one is for the embedded stack only."""

from seedcast.embedded import is_embedded
from seedcast.errors import InvalidSettings
from seedcast.settings import PostprocessSettings, Settings


def is_default(settings: PostprocessSettings) -> bool:
    """True for the default key, which everybody knows, and for none."""
    known = ("", PostprocessSettings().digest_key.get_secret_value())
    return settings.digest_key.get_secret_value() in known


def require_digest_key(settings: Settings) -> None:
    """Raises InvalidSettings if receipts would be made with the default key elsewhere."""
    if is_default(settings.postprocess) and not is_embedded(settings):
        raise InvalidSettings(
            "SEEDCAST_POSTPROCESS_DIGEST_KEY",
            expected="a key of your own: who knows the key can guess a short text from its receipt",
            got="none, or the default",
            remedy="set SEEDCAST_POSTPROCESS_DIGEST_KEY to a random secret, the same for every "
            "post-process worker and for `seedcast verify`, and keep it",
        )

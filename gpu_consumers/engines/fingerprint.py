"""The fingerprint of an engine: a hash of the facts that the bytes of its waveforms depend on."""

import hashlib
import json
from collections.abc import Mapping


def fingerprint(facts: Mapping[str, object]) -> str:
    """Return the engine's name and 32 hexadecimal digits, such as `espeak-0f3a…`.

    The digits are half of the SHA-256 of the facts as JSON with sorted keys. `facts` holds JSON
    values by name; `facts["engine"]` is the engine's name. Two workers with the same fingerprint
    make the same bytes from the same request.
    """
    encoded = json.dumps(dict(facts), sort_keys=True).encode()
    return f"{facts['engine']}-{hashlib.sha256(encoded).hexdigest()[:32]}"

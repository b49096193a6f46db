"""The generated table of docs/reference/list-outputs.md: the columns of `results.parquet`."""

from ops.markdown import table
from seedcast.storage.list_outputs import SCHEMA

_MEANINGS = {
    "row": "number of the row in the list that was submitted, from 1",
    "id": "the row's own id: `metadata.id` of the result",
    "request_id": "the request's id",
    "status": "`succeeded`, `failed`, `expired` or `cancelled`",
    "error_code": "why it did not succeed: a code of [the table](errors.md)",
    "error": "the same in words",
    "ended_at": "when its result was written, by the broker's record",
    "unspoken": "characters of the text that the engine has no sound for",
    "voice_seed": "the voice seed of the receipt",
    "draw": "number of the draw that succeeded; 0 is the first",
    "engine_fingerprint": "fingerprint of the engine that spoke it",
    "chain_fingerprint": "fingerprint of the audio chain that rendered it",
    "waveform_sha256": "SHA-256 of the waveform, before rendering",
    "profile": "device profile of this rendition",
    "uri": "address of the audio object",
    "format": "its format",
    "sample_rate": "Hz",
    "duration": "seconds",
    "bytes": "size of the object",
    "sha256": "SHA-256 of the object",
    "loudness": "LUFS (EBU R128)",
    "true_peak": "dBTP, before encoding",
    "snr": "dB, of the waveform; at most 60",
    "denoised": "true if noise was suppressed",
    "trimmed": "seconds of silence removed, less what was added",
    "chain_version": "of the code of the audio chain",
}


def columns() -> str:
    """Return one row per column. Raises KeyError if one has no meaning here, or is no more."""
    if unknown := _MEANINGS.keys() - set(SCHEMA.names):
        raise KeyError(f"no such column of results.parquet: {', '.join(sorted(unknown))}")
    rows = (
        (f"`{field.name}`", str(field.type), "yes" if field.nullable else "", _MEANINGS[field.name])
        for field in SCHEMA
    )
    return table(("column", "type", "may be null", "meaning"), rows)

"""The golden utterances: every kind of text, two voices, and one other speed.

Never alter one. Give an utterance that differs a new name.
"""

from datetime import UTC, datetime

from seedcast.schemas.messages import SpeechRequest

_SUBMITTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def _golden(name: str, text: str, voice_seed: int, speed: float = 1.0) -> SpeechRequest:
    return SpeechRequest(
        request_id=f"golden-{name}",
        campaign_id="golden",
        text=text,
        voice_seed=voice_seed,
        speed=speed,
        profiles=("archive",),
        submitted_at=_SUBMITTED_AT,
    )


GOLDEN = (
    _golden(
        "english-1",
        "Good evening. Your order number 4411 leaves our warehouse today "
        "and arrives tomorrow before noon.",
        2222,
    ),
    _golden("english-2", "Thank you, goodbye.", 7869),
    _golden(
        "mandarin-1", "您好，您的订单已经发货，预计明天下午三点之前送达，请保持电话畅通。", 2222
    ),
    _golden("mandarin-2", "谢谢，再见。", 7869),
    _golden("mixed-1", "您的 iPhone 15 已到店，请带上 ID card 来取。", 7869),
    _golden("speed-1", "Please pay 120 dollars by Friday.", 2222, speed=1.25),
)

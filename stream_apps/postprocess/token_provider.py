"""Gives aiokafka the token that librdkafka's clients show, too."""

import asyncio

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from seedcast.errors import SeedcastError
from seedcast.kafka.tokens import tokens
from seedcast.settings import KafkaSettings


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]
    """aiokafka asks before each connection, and connects anew when brokers end its session."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._tokens, self._extensions = tokens(kafka), dict(kafka.oauth_extensions)

    async def token(self) -> str:
        """Raises KafkaConnectionError, after which aiokafka tries again; others end Faust's app."""
        try:
            return (await asyncio.to_thread(self._tokens.get)).value
        except SeedcastError as error:
            raise KafkaConnectionError(str(error)) from error

    def extensions(self) -> dict[str, str]:
        return self._extensions

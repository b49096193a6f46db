"""API keys are looked up in the database together: however many are asked for, one query at a time.

So whoever tries wrong keys costs a hundred small queries per second and no more, and a right key
that nobody has seen yet is in the next of them: no refusal of wrong keys can shut it out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from itertools import islice

from seedcast.storage.accounts.keys import ApiKey, has_form, hash_of

AT_ONCE = 500  # keys of one query
INTERVAL = 0.01  # seconds from the end of a query to the next

FindAll = Callable[[Collection[bytes]], dict[bytes, ApiKey]]


class KeyLookups:
    """For one event loop."""

    def __init__(
        self,
        find_all: FindAll,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        is_secret: Callable[[str], bool] = has_form,
    ) -> None:
        """`find_all` returns keys by the hashes of their secrets; it may block.

        `is_secret`: False for what can be none, and is not asked for.
        """
        self._find_all, self._pause, self._is_secret = find_all, pause, is_secret
        self._waiting = dict[bytes, asyncio.Future[ApiKey | None]]()
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, secret: str) -> ApiKey | None:
        """Return the key of the secret, also a revoked one. Raises what `find_all` raises."""
        if not self._is_secret(secret):
            return None
        found = self._waiting.setdefault(
            hash_of(secret), asyncio.get_running_loop().create_future()
        )
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(found)  # others may wait for it, too

    async def _ask(self) -> None:
        while self._waiting:
            hashes = list(islice(self._waiting, AT_ONCE))
            try:
                keys = await asyncio.to_thread(self._find_all, hashes)
            except Exception as error:
                self._refuse(error)
            else:
                for each in hashes:
                    self._waiting.pop(each).set_result(keys.get(each))
            await self._pause(INTERVAL)

    def _refuse(self, error: Exception) -> None:
        """Tell all: who came later would wait as long for the same."""
        while self._waiting:
            self._waiting.popitem()[1].set_exception(error)

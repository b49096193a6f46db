"""An administrative client that never ends in a thread of its own."""

import threading
from typing import Any

import confluent_kafka.admin

_left: list["AdminClient"] = []  # nobody uses them any more; who makes the next one ends them
_ending = threading.Lock()


class AdminClient(confluent_kafka.admin.AdminClient):  # type: ignore[misc]
    """As confluent-kafka's, which aborts the process if it is collected as garbage by chance.

    An answer arrives in a thread of librdkafka, and Python may collect garbage there. A client
    that is part of a cycle, such as that of an exception and its traceback, would then be
    destroyed in its own thread, which librdkafka answers with SIGABRT.
    Source: https://github.com/confluentinc/confluent-kafka-python/pull/2131
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with _ending:
            while _left:
                _left.pop().__exit__(None, None, None)
        super().__init__(*args, **kwargs)

    def __del__(self, _left: list["AdminClient"] = _left) -> None:
        _left.append(self)  # it lives again; its thread may be the one that runs here

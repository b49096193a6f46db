"""An administrative client ends in no thread of its own, whenever garbage is collected."""

import subprocess
import sys

# Without a broker the question times out, and the answer comes in the client's thread.
PROGRAM = """
import gc, threading
from seedcast.kafka.admin_client import AdminClient

gc.disable()
collected = threading.Event()
nobody = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}
client = AdminClient(nobody)
client.cycle = client
answer = client.describe_cluster(request_timeout=0.1)
answer.add_done_callback(lambda _: (gc.collect(), collected.set()))
del client
assert collected.wait(60)
waiting = AdminClient(nobody)
waiting.describe_cluster(request_timeout=60)
del waiting
AdminClient(nobody)
"""


def test_a_client_that_is_garbage_in_its_own_thread_aborts_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

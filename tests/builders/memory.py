"""How much memory a process of its own takes to read a list."""

import subprocess
import sys
from pathlib import Path

# The peak of `getrusage` would be that of this process, too, from which the other one is started.
_READ = """
import os
import sys
from pathlib import Path
from seedcast.errors import InvalidInput
from seedcast.producers.rows import csv_file, json_lines, parquet, workbook
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BadRow

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

before, rows = peak(), 0
try:
    for row in read(Path(sys.argv[1])).rows:
        rows += 1
        if isinstance(row, BadRow):
            print(row.error)
    print(rows)
except InvalidInput as error:
    print(error)
print(peak() - before, flush=True)
os._exit(0)  # Arrow's threads may still use Python, which ends the process with SIGABRT then
"""


def peak_of_reading(path: Path) -> tuple[int, str]:
    """Return the most bytes that it took, and what it printed: errors and the number of rows."""
    command = [sys.executable, "-c", _READ, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    printed, peak = done.stdout.strip().rsplit("\n", 1)
    return int(peak), printed

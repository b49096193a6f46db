"""Writes examples/notifications.csv anew: `python examples/make_notifications.py`."""

from pathlib import Path

from seedcast.producers.rows.sample_list import write_csv

write_csv(Path(__file__).with_name("notifications.csv"))

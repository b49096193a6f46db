"""The parts in their order, each with the seconds that it may take."""

PARTS = {
    "machine": 40,
    "products": 75,
    "intermediates": 25,
    "attention": 35,
    "graphs": 45,
    "company": 60,
    "steps": 55,
    "vocoder": 35,
    "whole": 50,
    "upstream": 60,
}
BUDGET = 480  # seconds for all: most parts take far less than they may
PATIENCE = 4  # so many times as long may a rehearsal take, whose machine may be busy
RESULTS = "device.jsonl"

"""What the figures of docs/benchmarks.md come from; never run by the tests."""

"""The parts of benchmarks/postprocess.py."""

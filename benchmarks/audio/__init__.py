"""Parts of benchmarks/postprocess.py."""

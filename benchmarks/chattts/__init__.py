"""Parts of benchmarks/engine.py: upstream ChatTTS and our engine on the same weights and texts."""

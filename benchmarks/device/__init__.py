"""What a CUDA device shows of the engine, in eight minutes: see run.sh."""

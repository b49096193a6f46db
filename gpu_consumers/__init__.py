"""From requests to waveforms: scheduler, ledger, engines, and the loop that joins them."""

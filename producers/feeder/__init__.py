"""From staged lists to the requests topics."""

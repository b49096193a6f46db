"""Files of weights: found, checked, downloaded, fabricated."""

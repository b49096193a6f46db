"""Files of weights: finding, checking, downloading and fabricating them."""

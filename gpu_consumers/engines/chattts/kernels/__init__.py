"""Matrix products, attention and row-wise operations whose bits do not depend on other rows."""

"""Finished nights for the audit's benchmark: fabricated, broken on purpose, and audited."""

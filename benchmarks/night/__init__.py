"""A night that is over, to audit: fabricated, broken on purpose, and the processes that judge it watched."""

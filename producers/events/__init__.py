"""Requests that are sent one at a time, as events happen."""

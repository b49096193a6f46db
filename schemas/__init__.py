"""Facts only: what travels (messages) and where (topics). Imports nothing of Seedcast."""

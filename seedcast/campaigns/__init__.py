"""What a campaign is and does, and how its requests ended."""

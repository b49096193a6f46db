"""Running Seedcast: chart, image, and the documents generated from code."""

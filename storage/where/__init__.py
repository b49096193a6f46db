"""Where a request is: what the index, the feeder's cursor and the topics know of it.

report.py   what is answered
find.py     which request is meant, and the answer
staged.py   the row in its staged list, or among those that were rejected
unfed.py    why a row is not on its way yet
topics.py   the request on its way, in as few records as can be
"""

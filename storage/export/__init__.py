"""The way out: a campaign's rows as one flat list, and its audio as files.

`columns` is what a list has, `lines` makes it of requests, and each format has a module of its own.
`audio` fetches; `names` says what its files are called.
"""

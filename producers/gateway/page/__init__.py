"""The page that people open: it shows what the API tells, and asks the API's own code.

    view.py       what a view is: path, scope, handler; and who looks at it
    serving.py    each view behind its session, its limits and one line of log
    rendering.py  templates/, in the visitor's language and theme
    catalog.toml  every message, in every language
    assets.py     static/, by the hash of what is in it
    login.py      signing in and out

What is in static/vendor/ was made by others: see its README.md.
"""

"""The doctor's pages under `/desk`: the queue, one case, a decision.

Start with `pages.py` (the routes). `session.py` knows who is signed in and seals forms; `form.py`
reads what a form sent. `view.py` turns a case's file into what a template shows, with
`highlight.py` (findings in a text) and `figures.py` (numbers and doses to check again).
`render.py` holds Jinja2 and the pages' headers; `words.yaml` every sentence in zh and en.

The desk knows cases and keys only through the protocols `Casebook` and `KeyRing` of
`guard/ports.py`. Every page works without JavaScript; htmx only keeps the queue fresh. Patient
text is in page bodies alone: never in an address, a title, a log line or a file name.
"""

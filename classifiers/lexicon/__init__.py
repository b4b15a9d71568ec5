"""The drug lexicon: where the list in `guardrail/detectors/data/drugs.tsv.gz` comes from.

`build.py` folds public name lists (facts only: names, classes, controlled status) and three hand
lists beside it into one small file. `herbs.txt` holds materia medica (a star marks what is also
food), `english.txt` English names, `extra_zh.txt` names and classes the public lists lack.
Run `python -m classifiers.lexicon.build FOLDER`; review the printed counts before committing.
"""

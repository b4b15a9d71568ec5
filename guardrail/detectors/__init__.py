"""Ways of looking at a text. Detectors report; they never decide, and none knows another.

`panel.py` asks them all under one deadline and turns silence into a `Gap`; it first undoes
disguises (`normalise.py`: `fold.py` for characters, `escape.py` for encodings, `numeral.py` for
digits in pieces, `offset.py` for the way back to the original), so that detectors see plain text.
`recall.py` in front of it answers for passages that were looked at before.

`phi.py` is Presidio with our recognisers (`phi_zh.py` and its siblings: numbers, names, addresses);
`lexicon.py` and `prescription.py` read drugs and orders, `phrases.py` injection and self-harm;
`onnx.py` runs a classifier artifact (`artifact.py`, `encoding.py`, `batching.py`), on a GPU by the
graph that `float_graph.py` makes of its weights (`built.py`).
A new detector is one file that meets `guard.ports.Detector` and passes `check_detector`.
"""

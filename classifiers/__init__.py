"""The workshop: public and own text in, a signed-off classifier artifact out.

The guard never imports it. `python -m classifiers all --config classifiers/config/clinical-small.yaml` runs
every step; each can run alone and is skipped when its output is already there (`--force` redoes it).
On a busy CPU, `OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE` trains faster than waiting threads do.

Read in the order of the steps: `rows` (one labelled text), `sources` (what each source may
teach), `division` (which sources are for training, dev and test, and the proof that they do not
mix), `corpus` (step data), `pretrained` (step base), `network` and `train`, `export`, `scoring`
(any text through the shipped path), `calibrate`, `evaluate` with `baseline`, and `card`; `compare`
sets artifacts side by side. Measuring: `exhibits` (the rows judged), `questions` (what is asked of
them), `judged`, `measure` and `target`. `twins` checks the corpus we write.
"""

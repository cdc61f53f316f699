"""The paper's experiments, run with this package's own trainer and reported beside the paper's figures.

An `experiment` says what to train and to score, `bounds` cut it down, `catalogue` finds it; `paper` holds the paper's
figures. `suite` and `rows` read the benchmarks, `draw` takes few-shot samples, `text` the sentences for drifts.
"""

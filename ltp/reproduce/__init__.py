"""The paper's experiments, run with this package's own trainer and reported beside the paper's figures.

`suite` and `rows` read the benchmarks, `draw` takes few-shot samples from them, `text` the sentences for drifts.
"""

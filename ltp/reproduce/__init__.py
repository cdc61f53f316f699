"""The paper's experiments, run with this package's own trainer and reported beside the paper's figures.

An `experiment` says what to train and to score, `bounds` cut it down, `suite` and `draw` provide the data. From these
`grid` makes the cells of work, with what they share; the `ledger` keeps each result. `paper` holds the paper's figures.
"""

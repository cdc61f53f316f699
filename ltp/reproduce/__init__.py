"""The paper's experiments, run with this package's own trainer and reported beside the paper's figures.

An `experiment` says what to train and to score, `bounds` cut it down, `suite` and `draw` provide the data. From these
`grid` makes the cells of work, with what they share; `runner` has an `executor` do them one by one and keeps each
result in the `ledger`; `results` and `statistics` make figures of the ledger, and `report` writes them down beside
what `paper` holds. `outcome` words what finished cells say. Only `in_process`, the executor that trains here, imports
torch.
"""

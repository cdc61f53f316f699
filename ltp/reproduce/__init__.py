"""The paper's experiments, run with this package's own trainer and reported next to the paper's figures.

`plan`: an experiment says what to train and to score, bounds cut it down, and its grid makes the cells of work, with
what they share. `data`: the benchmarks' files and the samples drawn from them. `run`: a runner has an executor do the
cells one by one and keeps each result in the ledger. `report`: figures, statistics, and the document that compares them
with the paper's. Only `run.in_process`, the executor that trains here, imports torch.
"""

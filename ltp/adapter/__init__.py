"""Stage 2 (3.2, 4.2): few-shot training of one language's adapter, and the file that publishes it.

`plan` checks and encodes what is given, `hyperparameters` fills in what is left open, `rates` tries several learning
rates, `start` is what training begins from, `mixture` draws from several sources in an `order`. `seed_run` trains one
seed, `finished` keeps it, `average` takes means of epochs and seeds, `train` runs the seeds and publishes the best,
`report` scores it, `published` makes it an adapter; `crossfit` trains on all pairs where they are few. `sparse` and
`dense` say what trains, `micro_batches` how much of a batch is computed at a time, and `memory` how much memory all of
it takes at most. `compose` adds up adapters. `artefact` is the published file, `header` what it must say of itself,
`exported_mask` what an export adds to it, `materialise` its values in memory. This file imports none of them, so that
reading an adapter loads no training code.
"""

"""Stage 2 (3.2, 4.2): few-shot training of one language's adapter, and the file that publishes it.

`plan` checks and encodes what is given, `seed_run` trains one seed, `train` runs the seeds and publishes the best,
`report` scores it, `published` makes it an adapter; `crossfit` trains on all pairs where they are few. `sparse` and
`dense` say what trains, `micro_batches` how much of a batch is computed at a time, and `memory` how much memory all of
it takes at most. `artefact` is the published file, `header` what it must say of itself, `exported_mask` what an export
adds to it, `materialise` its values in memory. This file imports none of them, so that
reading an adapter loads no training code.
"""

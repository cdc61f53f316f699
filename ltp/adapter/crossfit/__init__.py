"""Cross-fitting: all pairs train, and each is judged by a model that never saw its premise.

With few pairs half of them are too many to hold out. `estimate` says when this is done, `folds` deals whole premises,
`lockstep` trains the folds side by side, `stopping` says for how long, `race` tries rates, `seeds` is what one seed
gives. `guard` chooses between the start, what was trained and what lies between, `interval` says how sure its accuracy
is, `fitting` fits its calibration; `publishing` and `figures` make of it an adapter with its numbers, and `train` puts
everything together. What chooses is of numbers alone, so that a simulation can run the same rules
(`bench/interval_coverage.py`).
"""

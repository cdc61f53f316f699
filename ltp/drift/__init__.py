"""Stage 1 (3.1, 4.2): how far every parameter moves when the backbone is trained on unlabelled text of one language.

`train` is the training loop, `masking` what it reads, `batches` how lines become batches, `mlm_encoder` and
`cross_entropy` the model, `trainable` which parameters train and how, `stored` the drift that comes out. This file
imports none of them, so that reading a drift loads no training code.
"""

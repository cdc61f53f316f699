"""Texts on their way in: checked completely, then staged as blobs, before the transaction that makes use of them.

`corpora` takes unlabelled text, `examples` labelled pairs, `pairs` files to predict. Every refusal names the part of
the request it came in, with line and column where there are any.
"""

"""Adapters as models that run without LTP: a checkpoint of transformers, a graph of ONNX.

`whole_model` gives the tensors of backbone and adapter as one model, `checkpoint` writes them, `tokenizer` makes one
that prepares texts as the adapter's are, `asking` says what must be known to ask the model, and checks that the ids are
the engine's. `hf` fills a folder for transformers, `onnx_folder` one with an `onnx_graph`; both have a `card` with the
`terms`, and an example out of `beside`. `order` is that as work for another process. This file imports none of them.
"""

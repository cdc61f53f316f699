"""The benchmarks' files: XNLI, AmericasNLI and WikiText-2, and the samples drawn from them."""

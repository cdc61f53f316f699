"""What a GPU computes with besides torch: kernels in Triton, the masks that lie there, uploads, memory.

Each has a plain form in torch that gives the same; nothing here is imported where there is no GPU.
"""

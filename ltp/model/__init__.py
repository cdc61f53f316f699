"""The network: encoder, MLM head, soft prompt, template, classification, and the methods that combine them."""

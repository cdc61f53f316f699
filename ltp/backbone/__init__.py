"""The shared pretrained XLM-R: where it lies, what it is, and how it is loaded. It is never modified.

`manifest` (what a checkpoint folder holds), `fingerprint` and `locate` (from a name to a folder) import no torch;
`load` does.
"""

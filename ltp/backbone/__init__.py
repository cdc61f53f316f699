"""The shared pretrained XLM-R: where it lies, what it is, and how it is loaded. It is never modified.

`manifest` (what a checkpoint folder holds), `fingerprint`, `locate` (from a name to a folder), `architecture` (names
and shapes of its tensors), `layers` (which of them a scope takes) and `strategy` (which of them MLM training moves)
import no torch; `load` does. `mini` makes the small backbone.
"""

"""What an adapter adds to the backbone: `delta` encodes it, `fuse` puts it into copies of the backbone's tensors.

`changes` decodes it, adds several up, and carries them over to another ticket, `row_values` row by row.
"""

"""What an adapter adds to the backbone: `delta` encodes it, `fuse` puts it into copies of the backbone's tensors."""

"""Making a starter from public data: recipe, sources, pairs, training, packing, scores, the card."""

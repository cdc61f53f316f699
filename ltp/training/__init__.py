"""What both training stages share: checkpoints, AdamW, seeds, dropout, timings."""

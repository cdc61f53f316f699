"""What a GPU is worth to LTP, in one run of minutes: `bench/gpu.sh`, which says what it needs and does."""

"""What an experiment asks for: experiments, bounds, variants, learning rates, and the cells of work they make."""

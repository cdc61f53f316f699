"""What a language's own text changes at a ticket's positions: the MLM run of stage 1, of which the signed values stay.

Composable sparse fine-tuning (Ansell et al. 2022): an adapter that is trained on top of a language delta holds the sum
of both, so nothing changes where it answers. `train` makes one, `parameters` is what trains, `artefact` the file.
"""

"""Text as people have it: unlabelled corpora (`corpus`) and labelled pairs (`examples`). Imports no torch."""

"""What a starter makes of a few examples: recipes compared on languages with little data. Not of the paper.

`experiment` and `catalogue` say what is compared, `grid` makes cells of it, `work` does them, `report` tells.
"""

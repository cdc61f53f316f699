"""The report of a transfer experiment: figures with intervals, tests, the guard, certainty, cost.

`contents` puts the document together; documents, Markdown, HTML and JSON are those of `ltp.reproduce.report`.
"""

"""The report of an experiment: one document, written as Markdown, as one HTML page and as JSON, with figures as SVG.

`contents` puts a `document` together from results; `markdown` and `html` render it, `figures` draws, `folder` writes.
"""

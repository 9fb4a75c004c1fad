"""What the product costs beside the least that its database could do: a generated book, operations, floors, a table.

`script/bench` runs it; `docs/performance.md` says how it measures and holds the last full table.
"""

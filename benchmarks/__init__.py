"""`make bench`: figures of speed and memory, each beside something it is measured against in the same process.

Belongs here: one module a bench, what they share (measure, desk), and showing the figures (run). Does not belong here:
tests, and anything the product needs. Not installed: benches run from a clone of the repository.
"""

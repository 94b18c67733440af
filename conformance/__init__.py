"""An engine-neutral conformance suite for SLA engines: README.md says how to take part.

Belongs here: the cases, the oracle, the random generator, the comparison, and the adapter of opsla's own engine. Does not
belong here: anything that the product needs to run.
"""

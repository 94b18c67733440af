"""Which ticket is next: a queue's open cases in order, by which policy and why.

Belongs here: judging whether due dates can be kept (`feasibility`), and putting one queue in order with its reasons (`ranking`); arrays in, plain data out.
Does not belong here: where cases and paces come from (sql/mart/worklist/), tables (assets/worklist.py), and how a queue is simulated (queueing/).

The rules: docs/decisions/0044-next-best-ticket.md.
"""

"""The pages of the command centre, a module each: what it asks for, and what it says of it.

Belongs here: from rows to figures, tables and charts. Does not belong here: SQL (queries/), HTML (templates/).
"""

"""What the ticket systems share: asking an API, hiding people, landing records, and reading them as a `Source`.

Belongs here: what is the same for every ticket system. Does not belong here: what one system's words mean.
"""

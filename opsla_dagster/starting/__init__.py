"""The first steps of a desk: a config directory that is proposed from what its source holds.

Belongs here: nothing but the way in. Read `begin`, then `sniffing`, `proposing`, `accounts`, `writing`.
"""

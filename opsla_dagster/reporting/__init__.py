"""What a person sees of a run: its summary, the impact log, the HTML report and the closing table.

Belongs here: reading published marts and the run's own record, and putting them into words and pictures. Does not
belong here: business logic; a figure that the marts do not hold is not computed here from events.
"""

"""The command centre: one place to see how the desk stands and what to do next, as pages that a browser reads.

Belongs here: serving. Does not belong here: figures (they are in the published marts, or in the SELECTs of queries/), charts and wording
(reporting/, which the report shares).
"""

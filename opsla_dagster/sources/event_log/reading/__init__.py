"""Log files of every form as tables raw_<number> of text, one row a record.

Belongs here: nothing but the way in. Read `loading`, then `content` (bytes, whatever they are packed in), `forms` (which form they have)
and one module a form: `csv_file` (with `csv_records` and `headers`), `workbooks`, `json_records`, `xes`, `parquet`.
Rules: docs/decisions/0017-forms-of-files.md.
"""

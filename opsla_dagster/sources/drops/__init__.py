"""Drop folders: files that somebody else puts there, and that count once a marker has released them.

Belongs here: nothing but the way in. Read `receiving`, then `manifest`, `places`, `receipts`, `released`.
Rules and worked cases: docs/decisions/0047-drop-folders.md.
"""

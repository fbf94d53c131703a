"""IR2: a team explores the unknown, and decides when to meet, under intermittent radio."""

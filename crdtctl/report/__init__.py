"""The report for people: one snapshot of counters as data, and the writers of a page and of a chart from that data."""

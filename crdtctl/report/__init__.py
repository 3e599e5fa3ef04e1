"""The report, a page made of one snapshot of the counters, and the live view of their changes."""

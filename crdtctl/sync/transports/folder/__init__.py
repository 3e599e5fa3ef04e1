"""A folder on this machine, on a mount, on a stick, or kept in sync by another program."""

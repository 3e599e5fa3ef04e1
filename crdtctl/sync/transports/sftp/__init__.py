"""A folder on another machine, over SSH."""

"""A folder on another machine, over the SSH file transfer protocol."""

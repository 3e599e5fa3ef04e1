"""A folder on a web server: WebDAV, or plain GET and PUT."""

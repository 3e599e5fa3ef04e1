"""A folder at a web server: WebDAV, or GET and PUT with listings."""

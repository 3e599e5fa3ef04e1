"""Any storage that the rclone program supports."""

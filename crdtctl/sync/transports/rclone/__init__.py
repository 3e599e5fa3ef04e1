"""Any storage that the rclone program reaches."""

"""Buckets: S3, Google Cloud Storage, Azure Blob Storage and compatible servers."""

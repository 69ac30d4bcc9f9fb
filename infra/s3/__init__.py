"""Object storage over S3: its port, the client, and how objects are named."""

"""/v1/workflows: graphs in versions, and which machines can run them."""

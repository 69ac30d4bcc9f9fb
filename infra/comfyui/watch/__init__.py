"""Following a prompt over the WebSocket of ComfyUI."""

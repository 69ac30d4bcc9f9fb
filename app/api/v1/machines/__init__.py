"""/v1/machines: registered ComfyUI servers, their states and their history."""

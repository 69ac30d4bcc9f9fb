"""The demo machine of `comfyd up`: speaks ComfyUI's protocol, has no models, draws the prompt."""

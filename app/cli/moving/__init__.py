"""Moving over from comfyui-deploy: what is read, what becomes of it, and the report."""

"""ComfyUI with the plugin of comfyui-deploy: it takes runs, calls back, and stores its files."""

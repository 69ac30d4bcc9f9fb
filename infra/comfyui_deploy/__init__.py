"""The database of a comfyui-deploy, from which people move over."""

"""The classic dialect: the routes and shapes of comfyui-deploy."""

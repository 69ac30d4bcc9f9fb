"""Comfyd beside the software that comfyui-deploy's users have: what was recorded, and what runs."""

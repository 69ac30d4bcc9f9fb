"""The driver of a stock, unmodified ComfyUI."""

"""The converter from the format in which ComfyUI's editor saves a graph."""

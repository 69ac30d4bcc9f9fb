"""Drivers of machines, looks at them, and the machines for whose runs a worker listens."""

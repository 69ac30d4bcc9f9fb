"""Run all of comfyd on one machine: `comfyd up`."""

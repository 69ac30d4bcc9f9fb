"""The files of infra/deploy that are for more than one machine: checked, and started as written."""

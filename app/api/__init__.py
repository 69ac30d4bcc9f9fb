"""HTTP APIs, one folder per dialect: routes and views only; use-cases live outside."""

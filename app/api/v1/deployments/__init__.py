"""/v1/deployments: which version an environment runs, and its OpenAPI document."""

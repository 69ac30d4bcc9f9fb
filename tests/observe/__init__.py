"""How tests read a system: a browser, metrics, recorded answers, the API's description."""

"""Faults of the network: proxies that cut, lose and delay, and web sites that answer oddly."""

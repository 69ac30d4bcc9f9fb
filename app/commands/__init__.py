"""Use-cases that record something, whatever route or dialect they are called from."""

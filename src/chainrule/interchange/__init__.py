"""Models to and from other libraries: the same network with the same parameters."""

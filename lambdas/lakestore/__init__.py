"""The lake as its functions share it: hours, generations, the ports to bucket and catalog."""

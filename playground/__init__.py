"""An interactive playground for FLUX.1 Krea [dev], with a small real model of its own behind the same API."""

__version__ = "0.1.0"

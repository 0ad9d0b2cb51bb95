"""How the pocket model is made: pictures, captions, networks, training, evaluation and export (extra `train`)."""

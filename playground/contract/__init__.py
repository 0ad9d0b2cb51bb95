"""The HTTP contract as data: inputs, predictions, models, and what follows from a request before it runs."""

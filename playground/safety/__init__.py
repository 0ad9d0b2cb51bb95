"""Is a picture fit to be shown? Checkers know pictures and nothing of predictions, queues or pages."""

"""Prompt to pixels. Engines know the contract and nothing of HTTP, queues or pages."""

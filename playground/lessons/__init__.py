"""One lesson for each of the 13 inputs: what it does, a question to think about first, a sweep, and the claim it proves."""

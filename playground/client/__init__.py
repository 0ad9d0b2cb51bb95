"""The async client of the prediction API; it speaks the contract and knows no particular server."""

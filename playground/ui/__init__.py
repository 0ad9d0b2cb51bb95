"""The page. Everything here turns the contract into controls, and what happens into words and pictures."""

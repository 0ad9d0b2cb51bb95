"""What must not be lost: paid predictions from the moment their id is known, and the pictures they delivered."""

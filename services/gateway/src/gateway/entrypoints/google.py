"""What pages and programs have in common when they sign in with Google."""

START = "/auth/google/start"
TIMEOUT = 8.0  # seconds: auth asks Google, whom it gives five

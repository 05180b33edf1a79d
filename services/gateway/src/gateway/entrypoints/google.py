"""What pages and programs have in common when they sign in with Google."""

TIMEOUT = 8.0  # seconds: auth asks Google, whom it gives five

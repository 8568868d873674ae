"""What Pouch does with a request: run it, record it, settle it. Knows the domain only."""

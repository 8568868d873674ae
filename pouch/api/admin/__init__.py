"""The administration API: keys, pouches, and what became of requests. JSON only."""

"""The adapters: SQLite, HTTP, token counting, price sources, clock, logging."""

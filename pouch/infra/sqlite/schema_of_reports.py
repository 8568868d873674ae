"""The second migration: what the reports read, so that none goes through all requests ever made.

``usage_hours`` sums requests by key, ``usage_models`` over all keys; ``usage_costs`` is what a key
had cost by the end of an hour, so that keys are compared over any time by two rows of each. All
three are by the hour in which a request began, counted since 1970, and are written in the
transaction that logs the request (see ``usage``).
"""

from typing import Final

_SUMS: Final = """
        requests INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        cached_input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        cost_nanos INTEGER NOT NULL,"""
_SUMMED: Final = (
    "count(*), sum(status >= 400), coalesce(sum(input_tokens), 0), "
    "coalesce(sum(cached_input_tokens), 0), coalesce(sum(output_tokens), 0), "
    "coalesce(sum(reasoning_tokens), 0), sum(cost_nanos)"
)
_HOUR: Final = "started_at / 3600000000"

REPORTS: Final = f"""
    -- A line for each step, innermost first: its name, an equals sign, its microseconds.
    ALTER TABLE requests ADD COLUMN steps TEXT;
    ALTER TABLE requests ADD COLUMN reason TEXT;
    ALTER TABLE requests ADD COLUMN refused_by TEXT;
    CREATE TABLE usage_hours (
        key_id TEXT NOT NULL,
        hour INTEGER NOT NULL,
        model TEXT NOT NULL,
        provider TEXT NOT NULL,{_SUMS}
        PRIMARY KEY (key_id, hour, model, provider)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE usage_models (
        hour INTEGER NOT NULL,
        model TEXT NOT NULL,
        provider TEXT NOT NULL,{_SUMS}
        PRIMARY KEY (hour, model, provider)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE usage_costs (
        key_id TEXT NOT NULL,
        hour INTEGER NOT NULL,
        cost_nanos INTEGER NOT NULL,
        PRIMARY KEY (key_id, hour)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO usage_hours SELECT key_id, {_HOUR} AS hour, model, provider, {_SUMMED}
        FROM requests GROUP BY key_id, hour, model, provider;
    INSERT INTO usage_models SELECT hour, model, provider, sum(requests), sum(errors),
        sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(reasoning_tokens),
        sum(cost_nanos) FROM usage_hours GROUP BY hour, model, provider;
    INSERT INTO usage_costs SELECT key_id, hour, sum(sum(cost_nanos)) OVER (
        PARTITION BY key_id ORDER BY hour) FROM usage_hours GROUP BY key_id, hour;
    CREATE INDEX requests_by_evidence ON requests (evidence, started_at)
        WHERE evidence <> 'provider_usage';
    CREATE INDEX requests_by_error ON requests (error, started_at) WHERE error IS NOT NULL;
    CREATE INDEX requests_that_failed ON requests (started_at) WHERE status >= 400;
    CREATE INDEX requests_by_stream ON requests (stream, started_at);
    CREATE INDEX refunds_by_time ON refunds (created_at, amount_nanos);
    CREATE INDEX entries_of_refunds ON entries (reservation_id) WHERE kind = 'refund';
    CREATE INDEX keys_by_pouch ON keys (pouch_id);
    CREATE INDEX pouches_by_parent ON pouches (parent_id) WHERE parent_id IS NOT NULL;
    -- Requests that any process is to stop.
    CREATE TABLE stop_requests (
        request_id TEXT PRIMARY KEY,
        asked_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
"""  # noqa: S608 - all of it stands here

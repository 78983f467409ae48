"""The ground that knows no domain: settings, database, actors, errors, ids, clock, paging, limits, crypto, telemetry."""

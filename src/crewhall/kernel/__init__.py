"""The ground that knows no domain: settings, database, actors, errors, ids, paging, limits, crypto, telemetry."""

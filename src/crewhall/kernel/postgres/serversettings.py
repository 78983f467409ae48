"""The settings that our server runs with, given on its command line, so that each start has those of this version."""

from pathlib import Path

from crewhall.kernel.postgres.place import Place

TUNING = {
    # A community's working set on a small machine; more is the operating system's cache.
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "autovacuum_work_mem": "32MB",
    "effective_cache_size": "1GB",
    "max_connections": "100",
    "max_worker_processes": "6",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "max_parallel_maintenance_workers": "1",
    "max_logical_replication_workers": "0",
    # Durable before acknowledged: these are the defaults, written down because they must never be otherwise.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Fewer full-page images; a crash replays at most half a gigabyte.
    "wal_compression": "pglz",
    "wal_buffers": "8MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",
    "jit": "off",
    # An append-only log is all inserts: keep its visibility map and statistics fresh, a few rows at a time.
    "autovacuum_naptime": "60s",
    "autovacuum_vacuum_scale_factor": "0.1",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
    "password_encryption": "scram-sha-256",
}


def server_settings(place: Place, sockets: Path, hba: Path, tcp_port: int | None) -> dict[str, str]:
    """Every setting by name. Without a TCP port the server listens on its socket alone."""
    return {
        **TUNING,
        "listen_addresses": "" if tcp_port is None else "127.0.0.1",
        "port": str(tcp_port or 5432),
        "unix_socket_directories": '"' + str(sockets).replace('"', '""') + '"',
        "unix_socket_permissions": "0700",
        "hba_file": str(hba),
        "cluster_name": f"crewhall-{place.key}",
    }

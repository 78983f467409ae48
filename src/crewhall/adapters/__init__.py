"""What stands behind the ports: Postgres, and later Kafka, object stores, models."""

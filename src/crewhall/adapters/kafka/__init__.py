"""The message log on Apache Kafka, and the projector that writes its records into the read model."""

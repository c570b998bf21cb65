// Placeholder until the first type of KafkaLog lands.

// Placeholder until the first type of KafkaClient lands.

// Placeholder until the first type of KafkaBroker lands.

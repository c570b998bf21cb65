// Placeholder until the first type of Tidings lands.

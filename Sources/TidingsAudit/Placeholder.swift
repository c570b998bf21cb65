// Placeholder until the first type of TidingsAudit lands.

// Placeholder until the first type of TidingsPostgres lands.

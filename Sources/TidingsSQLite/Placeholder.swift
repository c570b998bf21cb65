// Placeholder until the first type of TidingsSQLite lands.

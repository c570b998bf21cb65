// Placeholder until the first type of TidingsTesting lands.

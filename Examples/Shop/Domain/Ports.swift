/// The shop's six ports in a row, from its first one.
struct Ports: Sendable {
    /// The start page's.
    let first: Int

    var start: Int { first }
    var orders: Int { first + 1 }
    var shipments: Int { first + 2 }
    var invoices: Int { first + 3 }
    var statistics: Int { first + 4 }
    /// The shop's own broker; always the same, so that a restarted broker is found again.
    var broker: Int { first + 5 }
}

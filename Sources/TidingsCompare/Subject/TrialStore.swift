import Tidings

/// A store with two tables of the subject's own, `action` and `effect`, without a unique key in either: what comes twice
/// shows.
protocol TrialStore: Store {
    /// Notes an event in a table.
    func note(_ table: NoteTable, _ event: EventID, _ key: String, in transaction: Transaction) throws

    /// Breaks a constraint of the table of actions.
    func breakConstraint(_ event: EventID, in transaction: Transaction) throws

    /// The notes of a table, in the order of their commits within a key.
    func notes(_ table: NoteTable, in transaction: Transaction) throws -> [Note]

    /// Whether nothing is in the outbox.
    func outboxIsEmpty(in transaction: Transaction) throws -> Bool

    /// Lets nobody else work with the database for so long.
    func hold(for duration: Duration) async throws
}

/// The subject's own tables.
enum NoteTable: String, CaseIterable, Sendable {
    case action, effect
}

/// A row of one of them.
struct Note: Sendable {
    var event: EventID
    var key: String
    var sequence: Int64
}

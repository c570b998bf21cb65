import Tidings

/// How events get into the log: as messages of the transaction's, which become true with its commit, in the order of
/// commits, and not at all when it, or the savepoint that they belong to, is rolled back.
///
/// No key is locked and no number drawn: the order of commits is the order in which the log is read.
struct LogAppend {
    private var slot = ""
    private var messages: [LogMessage] = []

    /// Adds a record for the outbox that is read from a slot, whose name tells its messages from others.
    mutating func append(_ record: EventRecord, slot: String) {
        self.slot = slot
        if messages.isEmpty || !messages[messages.count - 1].append(record) { messages.append(LogMessage(record)) }
    }

    /// The statement that writes what was added.
    var requests: [PostgresRequest] {
        switch messages.count {
        case 0: []
        case 1:
            [
                PostgresRequest(
                    sql: "select pg_logical_emit_message(true, $1::text, $2)",
                    parameters: [slot.postgresValue, .bytea(messages[0].bytes)])
            ]
        default:
            [
                PostgresRequest(
                    sql: """
                        select count(pg_logical_emit_message(true, $1::text, message))
                        from (select message from unnest($2) with ordinality as m (message, place) order by place) ordered
                        """, parameters: [slot.postgresValue, .array(messages.map { Optional($0.bytes) })])
            ]
        }
    }
}

/// The replication slot of an outbox in the log: what keeps the server from removing what has not been read, and without
/// which events would be missing.
///
/// The server is told that something is done only after the database has it in writing, so the slot never stands further
/// on than the database says. One that does was made anew, or moved by somebody: what lies between is gone.
enum LogSlot {
    /// Asks for what ``check(_:holds:_:)`` wants to know.
    static func query(_ slot: String) -> String {
        """
        select confirmed_flush_lsn::text, wal_status from pg_replication_slots
        where slot_name = \(slot) and plugin = 'pgoutput' and database = current_database()
        """
    }

    /// - Throws: ``PostgresError/Code/slotLost`` when the slot does not hold everything from a position on.
    static func check(_ slot: String, holds position: LogPosition, _ found: (confirmed: String?, status: String?)?)
        throws
    {
        let hint = "events may be missing; PostgresLog.makeAnew() goes on without them"
        guard let found else {
            throw PostgresError(
                .slotLost, "the replication slot \(slot) is gone, and what was to be read from \(position) on: \(hint)")
        }
        guard found.status != "lost", let confirmed = found.confirmed.flatMap({ LogPosition(lsnText: $0) })
        else {
            throw PostgresError(
                .slotLost,
                "the server has removed log that the slot \(slot) still needed (max_slot_wal_keep_size): \(hint)")
        }
        guard confirmed.lsn <= position.lsn else {
            throw PostgresError(
                .slotLost,
                "the slot \(slot) was made anew or moved: it stands at \(confirmed), and \(position) is where to go on; \(hint)"
            )
        }
    }
}

extension PostgresResult {
    /// A value that came as text; nil is null.
    func text(row: Int, column: Int) -> String? {
        withBytes(row: row, column: column) { bytes in bytes.map { String(decoding: $0, as: UTF8.self) } }
    }
}

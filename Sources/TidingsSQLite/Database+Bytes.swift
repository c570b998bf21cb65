import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Database {
    /// Whether a `SELECT EXISTS (…)` says so.
    func exists(_ sql: String, _ arguments: StatementArguments = []) throws -> Bool {
        try Bool.fetchOne(cachedStatement(sql: sql), arguments: arguments) ?? false
    }
}

extension [UInt8] {
    /// As SQLite's BLOB; without it an array would have no column value.
    var blob: DatabaseValue { Data(self).databaseValue }
}

extension [UInt8]? {
    var blob: DatabaseValue { map(\.blob) ?? .null }
}

extension Row {
    /// The column's bytes, copied once; nil for NULL.
    func bytes(_ index: Int) throws -> [UInt8]? {
        try withUnsafeData(atIndex: index) { $0.map { [UInt8]($0) } }
    }
}

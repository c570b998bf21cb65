import Foundation
import Tidings

/// What can be a statement's parameter.
public protocol PostgresEncodable {
    var postgresValue: PostgresValue { get }
}

extension PostgresValue: PostgresEncodable {
    public var postgresValue: PostgresValue { self }
}

extension Bool: PostgresEncodable {
    public var postgresValue: PostgresValue { .binary([self ? 1 : 0], type: PostgresType.bool) }
}

extension Int: PostgresEncodable {
    public var postgresValue: PostgresValue { Int64(self).postgresValue }
}

extension Int64: PostgresEncodable {
    public var postgresValue: PostgresValue { .binary(PostgresValue.bigEndian(self), type: PostgresType.int8) }
}

extension Int32: PostgresEncodable {
    public var postgresValue: PostgresValue { .binary(PostgresValue.bigEndian(self), type: PostgresType.int4) }
}

extension Int16: PostgresEncodable {
    public var postgresValue: PostgresValue { .binary(PostgresValue.bigEndian(self), type: PostgresType.int2) }
}

extension Double: PostgresEncodable {
    public var postgresValue: PostgresValue {
        .binary(PostgresValue.bigEndian(bitPattern), type: PostgresType.float8)
    }
}

/// As text of whatever type the server infers.
extension String: PostgresEncodable {
    public var postgresValue: PostgresValue { .text(self) }
}

/// As `bytea`.
extension [UInt8]: PostgresEncodable {
    public var postgresValue: PostgresValue { .binary(self, type: PostgresType.bytea) }
}

/// As `bytea`.
extension Data: PostgresEncodable {
    public var postgresValue: PostgresValue { .binary(Array(self), type: PostgresType.bytea) }
}

extension UUID: PostgresEncodable {
    public var postgresValue: PostgresValue {
        .binary(withUnsafeBytes(of: uuid) { Array($0) }, type: PostgresType.uuid)
    }
}

/// As `numeric`, exactly.
extension Decimal: PostgresEncodable {
    public var postgresValue: PostgresValue { .text(description, type: PostgresType.numeric) }
}

/// As `timestamptz`, to the microsecond.
extension Date: PostgresEncodable {
    public var postgresValue: PostgresValue {
        let microseconds = (timeIntervalSince1970 * 1_000_000).rounded()
        return PostgresEpoch.value(
            microsecondsSince1970: Int64(exactly: microseconds) ?? (microseconds < 0 ? .min : .max))
    }
}

/// As `timestamptz`.
extension Timestamp: PostgresEncodable {
    public var postgresValue: PostgresValue {
        let (microseconds, overflow) = millisecondsSince1970.multipliedReportingOverflow(by: 1000)
        return PostgresEpoch.value(
            microsecondsSince1970: overflow ? (millisecondsSince1970 < 0 ? .min : .max) : microseconds)
    }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    public var postgresValue: PostgresValue { self?.postgresValue ?? .null }
}

/// PostgreSQL counts time in microseconds from the beginning of the year 2000; the ends of the range mean infinity.
enum PostgresEpoch {
    static let microseconds: Int64 = 946_684_800_000_000

    static func value(microsecondsSince1970: Int64) -> PostgresValue {
        let (difference, overflow) = microsecondsSince1970.subtractingReportingOverflow(microseconds)
        let value = microsecondsSince1970 == .max ? .max : overflow ? .min : difference
        return .binary(PostgresValue.bigEndian(value), type: PostgresType.timestamptz)
    }
}

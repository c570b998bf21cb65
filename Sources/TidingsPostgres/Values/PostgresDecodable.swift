import Foundation
import Tidings

/// One value of a row, in its type's binary form.
public struct PostgresCell {
    /// The object identifier of the column's type.
    public var type: UInt32

    /// The value's bytes, valid only during the call that was given the cell.
    public var bytes: UnsafeRawBufferPointer

    /// An integer of exactly `I`'s width.
    func integer<I: FixedWidthInteger>(_ integer: I.Type) -> I? {
        guard bytes.count == MemoryLayout<I>.size else { return nil }
        return I(bigEndian: bytes.loadUnaligned(as: I.self))
    }
}

/// What a column's value can be read as.
public protocol PostgresDecodable {
    /// Reads the value; nil when its type or size does not fit.
    static func decode(_ cell: PostgresCell) -> Self?

    /// What null is read as; nil when it is an error.
    static var null: Self? { get }
}

extension PostgresDecodable {
    public static var null: Self? { nil }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> Wrapped?? {
        Wrapped.decode(cell).map(Optional.some)
    }

    public static var null: Wrapped?? { .some(.none) }
}

extension Bool: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> Bool? {
        cell.type == PostgresType.bool ? cell.bytes.first.map { $0 != 0 } : nil
    }
}

/// From `smallint`, `integer` and `bigint`, when the value fits.
extension PostgresDecodable where Self: FixedWidthInteger {
    public static func decode(_ cell: PostgresCell) -> Self? {
        switch cell.type {
        case PostgresType.int2: return cell.integer(Int16.self).flatMap(Self.init(exactly:))
        case PostgresType.int4: return cell.integer(Int32.self).flatMap(Self.init(exactly:))
        case PostgresType.int8: return cell.integer(Int64.self).flatMap(Self.init(exactly:))
        case PostgresType.oid: return cell.integer(UInt32.self).flatMap(Self.init(exactly:))
        case PostgresType.xid8: return cell.integer(UInt64.self).flatMap(Self.init(exactly:))
        default: return nil
        }
    }
}

extension Int: PostgresDecodable {}
extension Int64: PostgresDecodable {}
extension Int32: PostgresDecodable {}
extension Int16: PostgresDecodable {}

extension Double: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> Double? {
        switch cell.type {
        case PostgresType.float8: return cell.integer(UInt64.self).map(Double.init(bitPattern:))
        case PostgresType.float4: return cell.integer(UInt32.self).map { Double(Float(bitPattern: $0)) }
        default: return nil
        }
    }
}

/// From every type whose binary form is its text, and from `jsonb`, `uuid` and `numeric`. For others, cast to `text`.
extension String: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> String? {
        switch cell.type {
        case PostgresType.text, PostgresType.varchar, PostgresType.bpchar, PostgresType.name, PostgresType.json,
            PostgresType.unknown:
            return String(decoding: cell.bytes, as: UTF8.self)
        case PostgresType.jsonb: return String(decoding: cell.bytes.dropFirst(), as: UTF8.self)
        case PostgresType.uuid: return UUID.decode(cell)?.uuidString.lowercased()
        case PostgresType.numeric: return PostgresNumeric(cell.bytes)?.text
        default: return nil
        }
    }
}

/// From `bytea`.
extension [UInt8]: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> [UInt8]? {
        cell.type == PostgresType.bytea ? Array(cell.bytes) : nil
    }
}

/// From `bytea`.
extension Data: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> Data? {
        cell.type == PostgresType.bytea ? Data(cell.bytes) : nil
    }
}

extension UUID: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> UUID? {
        guard cell.type == PostgresType.uuid, cell.bytes.count == 16 else { return nil }
        return UUID(uuid: cell.bytes.loadUnaligned(as: uuid_t.self))
    }
}

/// From `numeric`, exactly.
extension Decimal: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> Decimal? {
        guard cell.type == PostgresType.numeric else { return nil }
        return PostgresNumeric(cell.bytes).flatMap { Decimal(string: $0.text) }
    }
}

/// From `timestamptz`; from `timestamp` as if it were UTC.
extension Timestamp: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> Timestamp? {
        guard cell.type == PostgresType.timestamptz || cell.type == PostgresType.timestamp else { return nil }
        guard let microseconds = cell.integer(Int64.self) else { return nil }
        guard microseconds != .max, microseconds != .min else { return nil }
        let (sum, overflow) = microseconds.addingReportingOverflow(PostgresEpoch.microseconds)
        // Towards the past, as for all times after 1970.
        return overflow ? nil : Timestamp(millisecondsSince1970: (sum - ((sum % 1000) + 1000) % 1000) / 1000)
    }
}

/// From `timestamptz`; from `timestamp` as if it were UTC.
extension Date: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) -> Date? {
        guard cell.type == PostgresType.timestamptz || cell.type == PostgresType.timestamp else { return nil }
        return cell.integer(Int64.self).map {
            Date(timeIntervalSince1970: (Double($0) + Double(PostgresEpoch.microseconds)) / 1_000_000)
        }
    }
}

/// A parameter on its way to the server: its type, its form and its bytes.
///
/// Text leaves the type to the server, which infers it from where the parameter stands; so a string serves wherever
/// PostgreSQL can read one, for a `uuid`, `numeric` or `jsonb` column as well.
public struct PostgresValue: Hashable, Sendable {
    /// The type's object identifier; 0 leaves it to the server.
    public var type: UInt32

    /// Whether ``bytes`` are in the type's binary form rather than in its text form.
    public var isBinary: Bool

    /// Nil is null.
    public var bytes: [UInt8]?

    /// A value in the binary form of `type`.
    public static func binary(_ bytes: [UInt8], type: UInt32) -> PostgresValue {
        PostgresValue(type: type, isBinary: true, bytes: bytes)
    }

    /// A value as text, of the given type or of the one that the server infers.
    public static func text(_ text: String, type: UInt32 = 0) -> PostgresValue {
        PostgresValue(type: type, isBinary: false, bytes: Array(text.utf8))
    }

    public static let null = PostgresValue(type: 0, isBinary: false, bytes: nil)

    static func bytea(_ bytes: [UInt8]?) -> PostgresValue {
        PostgresValue(type: PostgresType.bytea, isBinary: true, bytes: bytes)
    }

    /// `text[]`
    public static func array(_ elements: [String?]) -> PostgresValue {
        array(elements.map { $0.map { Array($0.utf8) } }, element: PostgresType.text, type: PostgresType.textArray)
    }

    /// `bytea[]`
    public static func array(_ elements: [[UInt8]?]) -> PostgresValue {
        array(elements, element: PostgresType.bytea, type: PostgresType.byteaArray)
    }

    /// `bigint[]`
    public static func array(_ elements: [Int64]) -> PostgresValue {
        var bytes = head(count: elements.count, hasNulls: false, element: PostgresType.int8, size: 12 * elements.count)
        for element in elements {
            withUnsafeBytes(of: Int32(8).bigEndian) { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: element.bigEndian) { bytes.append(contentsOf: $0) }
        }
        return .binary(bytes, type: PostgresType.int8Array)
    }

    private static func array(_ elements: [[UInt8]?], element: UInt32, type: UInt32) -> PostgresValue {
        var bytes = head(
            count: elements.count, hasNulls: elements.contains { $0 == nil }, element: element,
            size: elements.reduce(0) { $0 + 4 + ($1?.count ?? 0) })
        for element in elements {
            bytes += bigEndian(Int32(element?.count ?? -1))
            if let element { bytes += element }
        }
        return .binary(bytes, type: type)
    }

    /// How the binary form of an array of one dimension begins: dimensions, whether there are nulls, the elements' type,
    /// how many, the first index. Each follows with its length in front (-1: null).
    private static func head(count: Int, hasNulls: Bool, element: UInt32, size: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20 + size)
        bytes += bigEndian(Int32(count == 0 ? 0 : 1)) + bigEndian(Int32(hasNulls ? 1 : 0)) + bigEndian(element)
        if count > 0 { bytes += bigEndian(Int32(count)) + bigEndian(Int32(1)) }
        return bytes
    }

    static func bigEndian<I: FixedWidthInteger>(_ integer: I) -> [UInt8] {
        withUnsafeBytes(of: integer.bigEndian) { Array($0) }
    }
}

/// Object identifiers of PostgreSQL's own types, which never change.
enum PostgresType {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let unknown: UInt32 = 705
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let name: UInt32 = 19
    static let date: UInt32 = 1082
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802
    static let byteaArray: UInt32 = 1001
    static let textArray: UInt32 = 1009
    static let int8Array: UInt32 = 1016
    static let xid8: UInt32 = 5069
    static let oid: UInt32 = 26
}

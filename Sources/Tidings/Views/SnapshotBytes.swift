/// Writes a snapshot's fields one after the other.
@usableFromInline
struct SnapshotWriter {
    @usableFromInline var bytes: [UInt8] = []

    @inlinable init() {}

    @inlinable
    mutating func append<I: FixedWidthInteger>(_ value: I) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    @inlinable
    mutating func append(_ text: String) {
        append(Int64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    @inlinable
    mutating func append(_ blob: [UInt8]) {
        append(Int64(blob.count))
        bytes.append(contentsOf: blob)
    }
}

/// Reads them back; never beyond the end, whatever a length says.
@usableFromInline
struct SnapshotReader {
    @usableFromInline let bytes: ArraySlice<UInt8>
    @usableFromInline var position: Int

    @inlinable
    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// What has not been read.
    @inlinable var rest: ArraySlice<UInt8> { bytes[position...] }

    @inlinable mutating func int32() throws -> Int32 { try integer() }
    @inlinable mutating func int64() throws -> Int64 { try integer() }

    /// How many entries follow, each of which has at least a byte.
    @inlinable
    mutating func count() throws -> Int {
        guard let count = Int(exactly: try int64()), (0...(bytes.endIndex - position)).contains(count) else {
            throw Self.short
        }
        return count
    }

    @inlinable mutating func blob() throws -> ArraySlice<UInt8> { try take(try count()) }

    @inlinable
    mutating func text() throws -> String {
        guard let text = String(validating: try blob(), as: UTF8.self) else { throw Self.noText }
        return text
    }

    @inlinable
    mutating func integer<I: FixedWidthInteger>() throws -> I {
        let field = try take(MemoryLayout<I>.size)
        return field.withUnsafeBytes { I(bigEndian: $0.loadUnaligned(as: I.self)) }
    }

    @inlinable
    mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else { throw Self.short }
        defer { position += count }
        return bytes[position..<position + count]
    }

    @usableFromInline static var short: any Error { SnapshotContent.Damaged(description: "it ends too early") }
    @usableFromInline static var noText: any Error { SnapshotContent.Damaged(description: "a text in it is not UTF-8") }
}

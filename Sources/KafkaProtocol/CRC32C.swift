import CCRC32C
import NIOCore

/// CRC-32C (Castagnoli), the checksum of record batches, in hardware where the processor has it.
///
///     CRC32C.checksum(Array("123456789".utf8))   // 0xE3069283
public enum CRC32C {
    /// The checksum of `bytes`, continuing from `crc` (0 for a fresh one).
    public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress else { return crc }
        return tidings_crc32c(crc, base, bytes.count)
    }

    /// The checksum of any bytes that are contiguous in memory, or of a copy of those that are not.
    public static func checksum(_ bytes: some Collection<UInt8>, continuing crc: UInt32 = 0) -> UInt32 {
        bytes.withContiguousStorageIfAvailable { checksum(UnsafeRawBufferPointer($0), continuing: crc) }
            ?? Array(bytes).withUnsafeBytes { checksum($0, continuing: crc) }
    }

    /// The same sum without the processor's instruction, so that a test can compare the two.
    static func portableChecksum(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress else { return crc }
        return tidings_crc32c_portable(crc, base, bytes.count)
    }

    /// Whether the processor's own instruction is in use.
    static var isHardware: Bool { tidings_crc32c_is_hardware() != 0 }
}

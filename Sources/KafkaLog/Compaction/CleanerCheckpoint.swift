import NIOCore

/// How far a log is cleaned: the checkpoint file `cleaner`, version 1.
///
///     cleanEnd  int64   everything before it was cleaned once; the rest is dirty
///     holeEnd   int64   before it, offsets may be missing
///
/// Crash rule: `holeEnd` is moved on, durably, before a cleaning replaces its first segment, so that recovery can tell the
/// holes that a cleaning left from those that are losses. `cleanEnd` follows when all segments are replaced; an older one
/// only means that something is cleaned twice.
struct CleanerCheckpoint: Equatable {
    var cleanEnd: Int64
    var holeEnd: Int64

    static let none = CleanerCheckpoint(cleanEnd: 0, holeEnd: 0)

    func payload() -> ByteBuffer {
        var payload = ByteBuffer()
        payload.writeMultipleIntegers(cleanEnd, holeEnd)
        return payload
    }

    init(cleanEnd: Int64, holeEnd: Int64) {
        self.cleanEnd = cleanEnd
        self.holeEnd = holeEnd
    }

    init?(payload: ByteBuffer) {
        var payload = payload
        guard let fields = payload.readMultipleIntegers(as: (Int64, Int64).self) else { return nil }
        self.init(cleanEnd: fields.0, holeEnd: fields.1)
    }
}

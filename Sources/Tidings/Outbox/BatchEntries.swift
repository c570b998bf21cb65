/// Which entries of an outbox stand at which places of a batch, as one column of a store's table.
///
/// Runs of (distance of the index from the end of the run before, the same of the sequence, length); each number with 7
/// bits a byte, the lowest first. A batch without gaps takes a dozen bytes. Sequences rise within a batch.
package enum BatchEntries {
    package typealias Place = (index: Int32, sequence: Int64)

    package static func encode(_ places: some Sequence<Place>) -> [UInt8] {
        var bytes: [UInt8] = []
        var end: Place = (0, 0)
        var run: (first: Place, length: UInt64)?
        func finish() {
            guard let run else { return }
            append(UInt64(run.first.index - end.index), to: &bytes)
            append(UInt64(run.first.sequence - end.sequence), to: &bytes)
            append(run.length, to: &bytes)
            end = (run.first.index + Int32(run.length), run.first.sequence + Int64(run.length))
        }
        for place in places {
            if let open = run, place.index == open.first.index + Int32(open.length),
                place.sequence == open.first.sequence + Int64(open.length)
            {
                run?.length += 1
            } else {
                finish()
                run = (place, 1)
            }
        }
        finish()
        return bytes
    }

    /// - Throws: ``TidingsError/Code/cannotDecode`` when the bytes are not what `encode` makes.
    package static func decode(_ bytes: [UInt8]) throws -> [Place] {
        var places: [Place] = []
        var rest = bytes[...]
        var end: Place = (0, 0)
        while !rest.isEmpty {
            guard let indexGap = take(from: &rest), let sequenceGap = take(from: &rest), let length = take(from: &rest),
                let first = Int32(exactly: Int64(end.index) + (Int64(exactly: indexGap) ?? -1)),
                let gap = Int64(exactly: sequenceGap), let count = Int32(exactly: length), count > 0,
                !first.addingReportingOverflow(count).overflow, gap < Int64.max - end.sequence - Int64(count)
            else { throw TidingsError(.cannotDecode, "an outbox's open batch is damaged") }
            let sequence = end.sequence + gap
            for step in 0..<count { places.append((first + step, sequence + Int64(step))) }
            end = (first + count, sequence + Int64(count))
        }
        return places
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var number = number
        while number >= 0x80 {
            bytes.append(UInt8(number & 0x7F) | 0x80)
            number >>= 7
        }
        bytes.append(UInt8(number))
    }

    private static func take(from rest: inout ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 56, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
        }
        return nil
    }
}

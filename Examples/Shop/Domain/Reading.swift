import Tidings

/// How far a view has come with reading history, in words and for a bar.
struct Reading: Sendable {
    let percent: Int
    /// `43 % done: 12,345 records read, up to 16,000 ahead, 4,100 a second, 3.9 s left`
    let sentence: String

    init(_ progress: ViewProgress) {
        percent = Int(progress.fraction * 100)
        let parts = [
            "\(Readable.count(progress.records, "record")) read",
            "up to \(progress.remaining.grouped()) ahead",
            "\(Int(progress.rate).grouped()) a second",
            progress.timeRemaining.map { "\(Readable.duration(milliseconds: Int64($0 / .milliseconds(1)))) left" },
        ]
        sentence = "\(percent) % done: " + parts.compactMap(\.self).joined(separator: ", ")
    }
}

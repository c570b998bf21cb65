/// One of the lanes that the records of a partition are handled in: by their keys, so that each key keeps its order while
/// different keys are handled at the same time.
public struct Lane: Hashable, Sendable, CustomStringConvertible {
    /// Its number, from 0.
    public var index: Int32

    /// Into how many lanes the partition is divided. Lanes of another division are other lanes, whatever their number.
    public var count: Int32

    /// A lane of so many.
    public init(_ index: Int32, of count: Int32) {
        self.index = index
        self.count = count
    }

    /// The one lane of a partition that is not divided.
    public static let only = Lane(0, of: 1)

    public var description: String { "\(index) of \(count)" }
}

/// How far one lane of a partition is handled, and which of a relay's duplicates it would know.
public struct LaneState: Hashable, Sendable {
    /// Which lane.
    public var lane: Lane

    /// The offset of the next record: all before it that belong to the lane are handled. Nil where nothing has been yet.
    public var offset: Int64?

    /// The stamps of what has been handled, by their source.
    public var memories: [StampSource: StampMemory]

    /// A lane that is handled up to `offset`.
    public init(_ lane: Lane, offset: Int64?, memories: [StampSource: StampMemory] = [:]) {
        self.lane = lane
        self.offset = offset
        self.memories = memories
    }
}

/// What an instance of a ``PartitionedView`` answers when it is asked for a key.
public enum ViewAnswer<Value: Sendable>: Sendable {
    /// This instance holds the key's partition: here it is.
    case here(Value)

    /// Another one does: ask there.
    case elsewhere(ViewHolder)

    /// The value, if it was here.
    public var value: Value? {
        if case .here(let value) = self { value } else { nil }
    }
}

/// Where a partition of a ``PartitionedView`` is held.
public struct ViewHolder: Hashable, Sendable {
    /// The address of the instance that answers, as that one gave it.
    public var address: String

    /// The addresses of those that stand by with a copy, which may be a moment behind.
    public var standbys: [String]
}

/// How events of older versions are read as newer ones.
///
/// What a reader does not know in an event it ignores, and a field that it declares optional may be missing: most changes
/// need no new version. One that does gets a new type name, and readers a function from the older to the newer:
///
/// ```swift
/// struct OrderPlaced: Event {                     // shop.order.placed.2: the total got a currency
///     static let eventType = "shop.order.placed.2"
///     var orderID: String
///     var total: Money
///     var key: String { orderID }
/// }
/// struct OrderPlaced1: Event {                    // what is still in the log
///     static let eventType = "shop.order.placed"
///     var orderID: String
///     var total: Int
///     var key: String { orderID }
/// }
/// configuration.versions.upcast(OrderPlaced1.self, to: OrderPlaced.self) { old, delivery in
///     OrderPlaced(orderID: old.orderID, total: Money(old.total, "EUR"))
/// }
/// ```
/// A handler or a fold of the newer type then gets events of both. Functions follow one another: from the first version to
/// the second, from the second to the third. A handler that is registered for the older type itself goes first. What a
/// function refuses is treated as what cannot be decoded: a ``Subscription`` parks it.
public struct EventVersions: Sendable {
    private struct Upcast: Sendable {
        var newType: String
        /// Decodes an event of the older type and makes the newer one of it.
        var read: @Sendable (Delivery, CodecTable) throws -> any Event
        /// Makes the newer one of an event of the older type.
        var convert: @Sendable (any Event, Delivery) throws -> any Event
    }

    /// By the name of the older type.
    private var upcasts: [String: Upcast] = [:]

    /// Events are read as they are.
    public init() {}

    /// Reads events of an older type as a newer one, for whoever wants that and not the older.
    ///
    /// - Parameter convert: gets the older event and the record as it came, with its bytes (``Delivery/data``) and headers.
    public mutating func upcast<Old: Event, New: Event>(
        _ old: Old.Type, to new: New.Type, _ convert: @escaping @Sendable (Old, Delivery) throws -> New
    ) {
        upcasts[Old.eventType] = Upcast(
            newType: New.eventType,
            read: { delivery, codecs in try convert(codecs.decodeAsIs(Old.self, from: delivery), delivery) },
            convert: { event, delivery in
                guard let event = event as? Old else {
                    throw TidingsError(
                        .cannotDecode, "\(type(of: event)) is not the type that \(Old.eventType) stands for")
                }
                return try convert(event, delivery)
            })
    }

    /// The type's name, then those that events of it can be read as, one after the other.
    func names(from type: String) -> [String] {
        var names = [type]
        while let last = names.last, let next = upcasts[last]?.newType, !names.contains(next) { names.append(next) }
        return names
    }

    /// Reads an event as a newer type; nil when there is no way from its own to that.
    ///
    /// - Throws: ``TidingsError/Code/cannotDecode``.
    func read<E: Event>(_ type: E.Type, from delivery: Delivery, _ codecs: CodecTable) throws -> E? {
        guard let name = delivery.type, name != E.eventType, let first = upcasts[name] else { return nil }
        let names = names(from: name)
        guard let end = names.firstIndex(of: E.eventType) else { return nil }
        do {
            var event = try first.read(delivery, codecs)
            for name in names[1..<end] { if let next = upcasts[name] { event = try next.convert(event, delivery) } }
            guard let event = event as? E else {
                throw TidingsError(.cannotDecode, "\(E.eventType) is the name of several types")
            }
            return event
        } catch let error as TidingsError where error.code == .cannotDecode {
            throw error
        } catch {
            throw TidingsError(.cannotDecode, "an event of type \(name) cannot be read as \(E.eventType)", cause: error)
        }
    }
}

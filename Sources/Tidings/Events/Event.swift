/// Something that happened in a service and that others may want to know.
///
/// An event carries all that its readers need, so that nobody has to call back and so that a reader keeps what was true
/// then. A reader does not share the writer's type: it declares its own, with the same ``eventType`` and only the
/// fields it needs, and ignores the rest.
///
/// ```swift
/// struct OrderPlaced: Event {
///     static let eventType = "shop.order.placed"
///     var orderID: String
///     var lines: [Line]
///     var key: String { orderID }
/// }
/// ```
public protocol Event: Codable, Sendable {
    /// The name of this kind of event, the same for writers and readers, for example `shop.order.placed`.
    ///
    /// It travels as CloudEvents' `type`; a reversed domain name or a dotted path keeps it unique.
    static var eventType: String { get }

    /// What the event is about. Events with the same key go to the same partition and keep their order.
    var key: String { get }
}

/// What the pages show of every document; the columns of a list, in part.
struct DocumentView: Sendable {
    let number: Int
    let orderId: String
    let createdAt: String
    let dateTime: String
    let cancelledAt: String?
    let isCancelled: Bool
    let after: String
    let instance: String
    let partition: Int
    let offset: String

    init(_ document: some Document) {
        number = document.number
        orderId = document.orderId
        createdAt = Readable.time(document.createdAt)
        dateTime = document.createdAt
        cancelledAt = document.cancelledAt.map(Readable.time)
        isCancelled = document.cancelledAt != nil
        after = Readable.duration(milliseconds: document.handling.afterMilliseconds)
        instance = document.handling.instance
        partition = document.handling.partition
        offset = document.handling.offset.grouped()
    }
}

/// How a kind of document looks on the pages.
protocol DocumentPages: Document {
    associatedtype View: Sendable

    /// The part of the shop that shows them.
    static var section: Site.Section { get }
    /// A word for one of them, in a title.
    var title: String { get }
    /// What only these documents show.
    var view: View { get }
}

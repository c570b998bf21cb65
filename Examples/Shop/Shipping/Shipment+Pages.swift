extension Shipment: DocumentPages {
    struct View: Sendable {
        struct Line: Sendable {
            let name: String
            let count: String
        }
        let recipient: String
        let address: Address
        let addressLine: String
        let lines: [Line]
    }

    static let section = Site.Section.shipments

    var title: String { "Shipment for \(orderId)" }

    var view: View {
        View(
            recipient: recipient, address: address, addressLine: address.line,
            lines: (lines ?? []).map { .init(name: $0.name, count: $0.count.grouped()) })
    }
}

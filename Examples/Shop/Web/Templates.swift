import Mustache

/// The shop's templates, which are part of the program itself, so that it runs from any directory.
struct Templates: Sendable {
    private let library: MustacheLibrary

    init() throws {
        MustacheContentTypes.register(SafeHTML(), named: "SAFE_HTML")
        var library = MustacheLibrary()
        for (name, bytes) in Self.sources {
            try library.register("{{% CONTENT_TYPE: SAFE_HTML}}" + String(decoding: bytes, as: UTF8.self), named: name)
        }
        self.library = library
    }

    func render(_ name: String, _ model: Any) -> String {
        library.render(model, withTemplate: name) ?? "There is no template “\(name)”."
    }

    private static var sources: [(name: String, bytes: [UInt8])] {
        [
            ("page", PackageResources.page_mustache),
            ("error", PackageResources.error_mustache),
            ("start", PackageResources.start_mustache),
            ("ways", PackageResources.ways_mustache),
            ("now", PackageResources.now_mustache),
            ("audit", PackageResources.audit_mustache),
            ("tour", PackageResources.tour_mustache),
            ("tour-deeds", PackageResources.tour_deeds_mustache),
            ("tour-ways", PackageResources.tour_ways_mustache),
            ("tour-costs", PackageResources.tour_costs_mustache),
            ("rate", PackageResources.rate_mustache),
            ("history", PackageResources.history_mustache),
            ("figures", PackageResources.figures_mustache),
            ("stream", PackageResources.stream_mustache),
            ("deeds", PackageResources.deeds_mustache),
            ("journeys", PackageResources.journeys_mustache),
            ("chronicle", PackageResources.chronicle_mustache),
            ("details", PackageResources.details_mustache),
            ("picture-stage", PackageResources.picture_stage_mustache),
            ("picture", PackageResources.picture_mustache),
            ("orders", PackageResources.orders_mustache),
            ("order", PackageResources.order_mustache),
            ("no-order", PackageResources.no_order_mustache),
            ("order-form", PackageResources.order_form_mustache),
            ("items", PackageResources.items_mustache),
            ("shipments", PackageResources.shipments_mustache),
            ("shipment", PackageResources.shipment_mustache),
            ("invoices", PackageResources.invoices_mustache),
            ("invoice", PackageResources.invoice_mustache),
            ("statistics", PackageResources.statistics_mustache),
            ("statistics-reading", PackageResources.statistics_reading_mustache),
            ("statistics-sums", PackageResources.statistics_sums_mustache),
            ("customers", PackageResources.customers_mustache),
        ]
    }
}

/// Escapes scalar by scalar: a quote followed by a combining mark is one `Character`, which escaping by characters
/// would let through.
private struct SafeHTML: MustacheContentType {
    func escapeText(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}

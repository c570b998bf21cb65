import HTTPTypes
import Hummingbird
import NIOCore

/// One service's pages: renders a template in the common frame, with links to the other services.
struct Site: Sendable {
    /// The parts of the shop a reader can go to.
    enum Section: String, CaseIterable, Sendable {
        case start, orders, shipments, invoices, statistics

        var title: String {
            switch self {
            case .start: "Overview"
            case .orders: "Orders"
            case .shipments: "Shipments"
            case .invoices: "Invoices"
            case .statistics: "Statistics"
            }
        }

        func port(in ports: Ports) -> Int {
            switch self {
            case .start: ports.start
            case .orders: ports.orders
            case .shipments: ports.shipments
            case .invoices: ports.invoices
            case .statistics: ports.statistics
            }
        }

        var path: String { self == .start ? "/" : "/\(rawValue)" }
    }

    let section: Section
    let ports: Ports
    private let templates: Templates

    init(_ section: Section, ports: Ports) throws {
        self.section = section
        self.ports = ports
        templates = try Templates()
    }

    /// What the frame around every page needs.
    private struct Frame {
        struct Link {
            let title: String
            let url: String
            let isCurrent: Bool
        }
        let title: String
        let links: [Link]
        let body: Any
    }

    /// The page made from `template` and `model`; the template finds the model under `body`.
    func page(
        _ template: String, title: String, status: HTTPResponse.Status = .ok, for request: Request,
        _ model: some Sendable
    ) -> Response {
        let links = Section.allCases.map {
            Frame.Link(title: $0.title, url: url($0, $0.path, for: request), isCurrent: $0 == section)
        }
        let text = templates.render(template, Frame(title: title, links: links, body: model))
        return Response(
            status: status,
            headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// A part of a page, made from `template` and `model`, without the frame.
    func part(_ template: String, _ model: some Sendable) -> String {
        templates.render(template, model)
    }

    /// The address of a page of any of the services, at the host name the reader used.
    func url(_ section: Section, _ path: String, for request: Request) -> String {
        "http://\(request.hostName):\(section.port(in: ports))\(path)"
    }
}

extension Response {
    /// After a form was accepted: the browser gets the page at `path`, so that reloading does not send it again.
    static func seeOther(_ path: String) -> Response {
        Response(status: .seeOther, headers: [.location: path, .cacheControl: "no-store"])
    }
}

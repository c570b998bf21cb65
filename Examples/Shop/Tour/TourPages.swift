import Foundation
import HTTPTypes
import Hummingbird
import Tidings

/// The guided tour: nine short pages, each with a button that shows what it tells of.
struct TourPages: Sendable {
    let start: StartPages
    let auditor: Auditor
    let reading: TopicReading
    let measurements: Measurements

    func add(to router: Router<WebServer.Context>) {
        router.get("tour") { _, _ in Response.seeOther("/tour/1") }
        router.get("tour/:number", use: page)
        router.get("tour/:number/live", use: live)
    }

    @Sendable private func page(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let page = try Self.page(context)
        var view = await view(of: page, request)
        view.done = start.outcomes.asked(by: request)
        return start.site.page("tour", title: page.title, for: request, view)
    }

    /// The parts of a page that change, as server-sent events.
    @Sendable private func live(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let page = try Self.page(context)
        return .live { seen in
            let view = await view(of: page, request)
            let parts = TourView.parts.reduce(into: [:]) { $0[$1] = start.site.part($1, view) }
            return (LiveChange<Never>(parts: parts, token: seen == nil ? start.token.text : nil), 0)
        }
    }

    private static func page(_ context: WebServer.Context) throws -> TourPage {
        let number = try context.parameters.require("number", as: Int.self)
        guard let page = TourPage.all.first(where: { $0.number == number }) else {
            throw Refusal(.notFound, "The tour has nine pages; \(number) is none of them.")
        }
        return page
    }

    private func view(of page: TourPage, _ request: Request) async -> TourView {
        let view = await start.view(request)
        let state = await start.watch.state()
        let ways = Sending.allCases.map { ($0, measurements[$0]) }
        let facts = TourFacts(
            state: state, sizes: reading.sizes, customers: await start.compaction.count,
            ways: Dictionary(uniqueKeysWithValues: ways), comparison: measurements.latestComparison,
            memory: page.number == 9 ? Self.memory(of: state.processes.compactMap(\.pid)) : nil)
        let circumstances = start.circumstances(state)
        return TourView(page, facts, page.deeds.filter { $0.makesSense(circumstances) }, start: view)
    }

    /// How much memory these processes have in use, as Linux tells.
    private static func memory(of processes: [Int32]) -> Int64? {
        let pages = processes.map { process -> Int64? in
            let text = try? String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8)
            return text?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }
        }
        guard !pages.isEmpty, pages.allSatisfy({ $0 != nil }) else { return nil }
        return pages.reduce(0) { $0 + ($1 ?? 0) } * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }
}

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
    }

    @Sendable private func page(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let number = try context.parameters.require("number", as: Int.self)
        guard let page = TourPage.all.first(where: { $0.number == number }) else {
            throw Refusal(.notFound, "The tour has nine pages; \(number) is none of them.")
        }
        let view = await start.view(request)
        let state = await start.watch.state()
        let facts = TourFacts(
            state: state, sizes: reading.sightings(from: 0).new.filter { !$0.isCancellation }.map(\.size),
            customers: await start.compaction.count,
            ways: [Sending.afterAction, .beforeAction, .outbox].map { ($0, measurements[$0]) },
            memory: Self.memory(of: state.processes.compactMap(\.pid)))
        return start.site.page(
            "tour", title: page.title, for: request,
            TourView(page, facts, start: view, done: start.outcome(request)))
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

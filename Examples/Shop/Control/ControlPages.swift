import HTTPTypes
import Hummingbird

/// The buttons' address: `POST /do` with the name of the deed and the form's token.
struct ControlPages: Sendable {
    let deeds: Deeds
    let token: FormToken
    let outcomes: Outcomes<Notice>

    func add(to router: Router<WebServer.Context>) {
        router.post("do", use: perform)
    }

    @Sendable private func perform(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let form = FormBody(try await request.body())
        try token.check(form)
        guard let deed = Deed(rawValue: form["what"]) else {
            throw Refusal(.unprocessableContent, "“\(Readable.short(form["what"]))” is nothing that can be done here.")
        }
        do {
            let notice = try await deeds.perform(deed, rate: Int(form["rate"]))
            if request.wantsJSON { return try JSON.response(["done": notice.sentence]) }
            return outcomes.show(notice, at: Self.back(form))
        } catch let refusal as Refusal where !request.wantsJSON {
            return outcomes.show(.broken(refusal.message), at: Self.back(form))
        }
    }

    /// Where the form stood: the start page, or a page of the tour.
    static func back(_ form: FormBody) -> String {
        let number = Int(form["tour"]) ?? 0
        return (1...9).contains(number) ? "/tour/\(number)" : "/"
    }
}

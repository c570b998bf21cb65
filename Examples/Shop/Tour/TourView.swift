import Tidings

/// What a page of the tour shows.
struct TourView: Sendable {
    struct Neighbour: Sendable {
        let number: Int
        let title: String
    }

    /// Words, and commands among them.
    struct Paragraph: Sendable {
        struct Piece: Sendable {
            let text: String
            let isCode: Bool
        }

        let pieces: [Piece]

        /// - Parameter text: with commands between backticks.
        init(_ text: String) {
            let parts = text.split(separator: "`", omittingEmptySubsequences: false)
            pieces = parts.enumerated().map { Piece(text: String($1), isCode: !$0.isMultiple(of: 2)) }
        }
    }

    struct Row: Sendable {
        let way: String
        let count: String
        let action: String
        let visible: String
    }

    /// The parts of the page that are kept up to date; each is a template and the element of that name.
    static let parts = ["stream", "tour-deeds", "tour-ways", "tour-costs"]

    let number: Int
    let title: String
    let meaning: [Paragraph]
    let buttons: [DeedGroup.Button]
    let hasDeeds: Bool
    let look: String
    let choosesWay: Bool
    let ways: [StartView.Way]
    let hasWays: Bool
    let token: String
    let file: String
    let code: String
    /// What was measured, in sentences.
    let costs: [String]
    let rows: [Row]
    let hasRows: Bool
    /// What the rows were measured with.
    let caption: String
    let audit: AuditView
    let stream: String?
    /// The choice of how many orders a second, where there is a stream to start.
    let choosesRate: Bool
    let rates: [StartView.Rate]
    var done: Notice?
    let previous: Neighbour?
    let next: Neighbour?
    let pages: [Neighbour]

    /// - Parameter deeds: those of the page's that make sense at the moment.
    init(_ page: TourPage, _ facts: TourFacts, _ deeds: [Deed], start: StartView) {
        (number, title, look) = (page.number, page.title, page.look)
        meaning = page.meaning.map(Paragraph.init)
        buttons = DeedGroup("", deeds).buttons
        hasDeeds = start.hasDeeds
        choosesWay = page.choosesWay
        (ways, hasWays) = (start.ways, start.hasWays)
        token = start.token
        let snippet = TourCode.all[page.number]
        (file, code) = (snippet?.file ?? "", snippet?.text ?? "")
        costs = facts.costs(of: page.number)
        rows = page.number == 8 ? facts.rows : []
        hasRows = !rows.isEmpty
        caption = facts.caption
        audit = start.audit
        choosesRate = page.deeds.contains(.stream)
        stream = choosesRate ? start.stream : nil
        rates = start.rates
        pages = TourPage.all.map { Neighbour(number: $0.number, title: $0.title) }
        previous = pages.first { $0.number == page.number - 1 }
        next = pages.first { $0.number == page.number + 1 }
    }
}

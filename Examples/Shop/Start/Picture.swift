import Tidings

/// The drawing of the shop: order service → outbox → partitions → the instances that own them.
///
/// Everything is computed here as points and texts, and the template only writes it down. Two shapes: wide for large
/// screens, tall for narrow ones. What stands in it was asked for just now; nothing is invented. Each line has a name, by
/// which the dots that travel along it find it.
struct Picture: Sendable {
    enum Shape: Sendable {
        case wide, tall
    }

    struct Point: Sendable {
        var x: Double
        var y: Double
    }

    struct Box: Sendable {
        let x: Double
        let y: Double
        let width: Double
        let height: Double
        /// Style: `service`, `store`, `partition`, `consumer`, with ` down` when it is.
        let style: String
        let title: String
        let note: String?
        let state: String?
        let stateStyle: String

        /// Where the lines of text stand; stored, since a template sees only stored properties.
        let middle: Double
        let titleY: Double
        let noteY: Double
        let stateY: Double

        init(
            at place: (x: Double, y: Double, width: Double, height: Double), style: String, title: String,
            note: String?, state: String?, stateStyle: String
        ) {
            (x, y, width, height) = place
            (self.style, self.title, self.note, self.state) = (style, title, note, state)
            self.stateStyle = stateStyle
            middle = x + width / 2
            let lineHeight = 19.0
            let lines = 16 + (note == nil ? 0 : lineHeight) + (state == nil ? 0 : lineHeight)
            titleY = y + (height - lines) / 2 + 13
            noteY = titleY + lineHeight
            stateY = noteY + (note == nil ? 0 : lineHeight)
        }
    }

    struct Line: Sendable {
        /// By which a dot finds it: `order-outbox`, `outbox-3`, `direct-3`, `shipping-1-3`.
        let name: String
        let path: String
        let style: String
    }

    let width: Double
    let height: Double
    let style: String
    private(set) var boxes: [Box] = []
    private(set) var lines: [Line] = []
    private(set) var labels: [Label] = []

    struct Label: Sendable {
        let x: Double
        let y: Double
        let text: String
    }

    private let shape: Shape

    init(_ state: SystemState, _ shape: Shape) {
        self.shape = shape
        style = shape == .wide ? "wide" : "tall"
        (width, height) = shape == .wide ? (1080, 460) : (360, 640)
        let order = addOrder(state)
        let outbox = addOutbox(state)
        let sendsDirectly = state.orders.map { $0.sending != .outbox } ?? false
        let isOutboxIdle = sendsDirectly && state.orders?.outboxWaiting == 0
        connect(order, outbox, "order-outbox", style: isOutboxIdle ? "path unused" : "path")
        let partitions = addPartitions(state)
        for (index, partition) in partitions.enumerated() {
            connect(outbox, partition, "outbox-\(index)", style: isOutboxIdle ? "path unused" : "path")
            connectAround(order, partition, "direct-\(index)", style: sendsDirectly ? "path" : "path unseen", index)
        }
        addConsumers(state, partitions)
    }
}

extension Picture {
    private var breadth: Double { shape == .wide ? height : width }

    /// A box that is `along` the flow and `across` it, each with its extent.
    @discardableResult
    private mutating func add(
        along: Double, across: Double, length: Double, breadth: Double, style: String, title: String,
        note: String? = nil, state: String? = nil, stateStyle: String = ""
    ) -> Box {
        let place =
            shape == .wide
            ? (x: along, y: across, width: length, height: breadth)
            : (x: across, y: along, width: breadth, height: length)
        let box = Box(at: place, style: style, title: title, note: note, state: state, stateStyle: stateStyle)
        boxes.append(box)
        return box
    }

    private mutating func addOrder(_ state: SystemState) -> Box {
        let standing = state.standing(of: "order-1")
        let isDown = state.orders == nil || standing != .running
        let size = shape == .wide ? (length: 170.0, breadth: 96.0) : (length: 84.0, breadth: 176.0)
        return add(
            along: 8, across: (breadth - size.breadth) / 2, length: size.length, breadth: size.breadth,
            style: isDown ? "service down" : "service", title: "Order service",
            note: state.orders.map { Readable.count($0.orders, "order") },
            state: isDown
                ? Self.words(standing == .running ? .down : standing, shape)
                : state.orders?.sending == .outbox ? nil : "sends directly",
            stateStyle: isDown ? Self.style(standing == .running ? .down : standing, nil) : "")
    }

    private mutating func addOutbox(_ state: SystemState) -> Box {
        let size = shape == .wide ? (length: 150.0, breadth: 96.0) : (length: 76.0, breadth: 160.0)
        let waiting = state.orders?.outboxWaiting ?? 0
        let isIdle = state.orders.map { $0.sending != .outbox && waiting == 0 } ?? false
        let age = state.oldestWait().map { "→ since \(Readable.duration(milliseconds: $0))" }
        return add(
            along: shape == .wide ? 238 : 132, across: (breadth - size.breadth) / 2, length: size.length,
            breadth: size.breadth, style: isIdle ? "store idle" : "store", title: "Outbox",
            note: state.orders == nil ? nil : isIdle ? "not in use" : "\(waiting.grouped()) waiting",
            state: waiting > 0 ? age ?? "→ flowing" : nil, stateStyle: "flowing")
    }

    private mutating func addPartitions(_ state: SystemState) -> [Box] {
        let known = state.partitions ?? []
        let count = known.isEmpty ? ShopTopics.partitions : known.count
        let margin = shape == .wide ? 28.0 : 4.0
        let gap = shape == .wide ? 14.0 : 6.0
        let breadth = (self.breadth - 2 * margin - gap * Double(count - 1)) / Double(count)
        let along = shape == .wide ? 458.0 : 262.0
        let text = "Topic “\(state.topic)”" + (known.isEmpty ? " ✕ Kafka is away" : "")
        labels.append(
            shape == .wide ? Label(x: along + 85, y: 18, text: text) : Label(x: width / 2, y: along - 8, text: text))
        return (0..<count).map { index in
            let records = known.isEmpty ? nil : known[index].endOffset
            return add(
                along: along, across: margin + Double(index) * (breadth + gap),
                length: shape == .wide ? 170 : 78, breadth: breadth,
                style: known.isEmpty ? "partition down" : "partition",
                title: shape == .wide ? "Partition \(index)" : "P \(index)",
                note: records.map { shape == .wide ? Readable.count($0, "event") : $0.grouped() })
        }
    }

    /// One that reads: an instance of a group, or the statistics.
    private struct Reader {
        let group: String
        let name: String
        let partitions: [Int]
        let lag: Int64?
    }

    private static func readers(_ state: SystemState) -> [Reader] {
        let members = SystemWatch.groups.flatMap { group in
            state.consumers(of: group).map { name in
                let owned = (state.partitions ?? []).filter { $0.owner(in: group)?.instance == name }
                return Reader(
                    group: group, name: name, partitions: owned.map(\.partition),
                    lag: owned.isEmpty ? nil : owned.reduce(0) { $0 + ($1.owner(in: group)?.lag ?? 0) })
            }
        }
        let all = (state.partitions ?? []).map(\.partition)
        return members + [
            Reader(group: "statistics", name: "statistics-1", partitions: all, lag: state.statisticsLag)
        ]
    }

    private mutating func addConsumers(_ state: SystemState, _ partitions: [Box]) {
        let readers = Self.readers(state)
        let margin = shape == .wide ? 16.0 : 2.0
        let gap = shape == .wide ? 18.0 : 4.0
        let count = Double(readers.count)
        let crowd = readers.count > 4 ? " crowded" : ""
        let breadth = min((self.breadth - 2 * margin - gap * (count - 1)) / count, shape == .wide ? 96 : 150)
        let first = (self.breadth - breadth * count - gap * (count - 1)) / 2
        for (index, reader) in readers.enumerated() {
            let standing = state.standing(of: reader.name)
            let isDown = standing != .running
            let box = add(
                along: shape == .wide ? 858 : 500, across: first + Double(index) * (breadth + gap),
                length: shape == .wide ? 214 : 104, breadth: breadth,
                style: "consumer \(reader.group)\(isDown ? " down" : "")\(crowd)", title: title(of: reader),
                note: note(for: reader, hasKafka: state.partitions != nil),
                state: isDown ? Self.words(standing, shape) : words(for: reader.lag),
                stateStyle: Self.style(standing, reader.lag))
            for partition in reader.partitions where partition < partitions.count {
                connect(
                    partitions[partition], box, "\(reader.name)-\(partition)",
                    style: "path \(reader.group)\(isDown ? " down" : "")")
            }
        }
    }

    private static func words(_ standing: SystemState.Standing, _ shape: Shape) -> String? {
        switch standing {
        case .running: nil
        case .starting: shape == .wide ? "→ starting" : "→ starts"
        case .startingAgain: shape == .wide ? "✕ starting again" : "✕ starts"
        case .down: "✕ down"
        case .stopped: shape == .wide ? "✕ stopped" : "✕ stop"
        }
    }

    private static func style(_ standing: SystemState.Standing, _ lag: Int64?) -> String {
        switch standing {
        case .running: (lag ?? 0) > 0 ? "flowing" : "calm"
        case .starting: "flowing"
        case .startingAgain, .down, .stopped: "broken"
        }
    }

    private func words(for lag: Int64?) -> String? {
        guard let lag else { return nil }
        if lag > 0 { return shape == .wide ? "→ \(lag.grouped()) behind" : "→ \(lag.grouped())" }
        return shape == .wide ? "✓ caught up" : "✓"
    }

    private func title(of reader: Reader) -> String {
        if reader.group == "statistics" { return "Statistics" }
        guard shape == .tall else { return reader.name.processTitle }
        return Readable.title(reader.group)
    }

    private func note(for reader: Reader, hasKafka: Bool) -> String {
        if shape == .tall {
            return reader.group == "statistics" ? "reads all" : "no. \(reader.name.split(separator: "-").last ?? "")"
        }
        if !hasKafka { return "hears nothing from Kafka" }
        if reader.group == "statistics" { return "no database, reads all" }
        if reader.partitions.isEmpty { return "no partition" }
        return Readable.partitions(reader.partitions)
    }

    // MARK: Lines

    /// A curve from the end of one box to the beginning of another.
    private mutating func connect(_ from: Box, _ to: Box, _ name: String, style: String) {
        let path: String
        switch shape {
        case .wide:
            let start = Point(x: from.x + from.width, y: from.y + from.height / 2)
            let end = Point(x: to.x, y: to.y + to.height / 2)
            let bend = (start.x + end.x) / 2
            path = "M\(start.x) \(start.y)C\(bend) \(start.y) \(bend) \(end.y) \(end.x) \(end.y)"
        case .tall:
            let start = Point(x: from.x + from.width / 2, y: from.y + from.height)
            let end = Point(x: to.x + to.width / 2, y: to.y)
            let bend = (start.y + end.y) / 2
            path = "M\(start.x) \(start.y)C\(start.x) \(bend) \(end.x) \(bend) \(end.x) \(end.y)"
        }
        lines.append(Line(name: name, path: path, style: style))
    }

    /// A curve past the outbox: above it, or beside it on the left, for the first partitions; on the other side for the
    /// others.
    private mutating func connectAround(_ from: Box, _ to: Box, _ name: String, style: String, _ index: Int) {
        let isFirstSide = index * 2 < ShopTopics.partitions
        let path: String
        switch shape {
        case .wide:
            let start = Point(x: from.x + from.width / 2, y: isFirstSide ? from.y : from.y + from.height)
            let end = Point(x: to.x, y: to.y + to.height / 2)
            let edge = isFirstSide ? 40 : height - 40
            path = "M\(start.x) \(start.y)C\(start.x) \(edge) \(end.x - 60) \(edge) \(end.x) \(end.y)"
        case .tall:
            let start = Point(x: isFirstSide ? from.x : from.x + from.width, y: from.y + from.height / 2)
            let end = Point(x: to.x + to.width / 2, y: to.y)
            let edge = isFirstSide ? 20 : width - 20
            path = "M\(start.x) \(start.y)C\(edge) \(start.y) \(edge) \(end.y - 40) \(end.x) \(end.y)"
        }
        lines.append(Line(name: name, path: path, style: style))
    }
}

import Tidings

/// The drawing of the shop: order service → outbox → partitions → the instances that own them.
///
/// Everything is computed here as points and texts, and the template only writes it down. Two shapes: wide for large
/// screens, tall for narrow ones. What stands in it was asked for just now; nothing is invented.
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
        (width, height) = shape == .wide ? (1080, 440) : (360, 640)
        let order = addOrder(state)
        let outbox = addOutbox(state)
        connect(order, outbox, style: "path")
        let partitions = addPartitions(state)
        for partition in partitions { connect(outbox, partition, style: "path") }
        addConsumers(state, partitions)
    }
}

extension Picture {
    /// A place that is `along` the flow and `across` it, each with its extent.
    private func place(
        along: Double, across: Double, length: Double, breadth: Double
    ) -> (x: Double, y: Double, width: Double, height: Double) {
        shape == .wide ? (along, across, length, breadth) : (across, along, breadth, length)
    }

    private var breadth: Double { shape == .wide ? height : width }

    @discardableResult
    private mutating func add(
        along: Double, across: Double, length: Double, breadth: Double, style: String, title: String,
        note: String? = nil,
        state: String? = nil, stateStyle: String = ""
    ) -> Box {
        let box = Box(
            at: place(along: along, across: across, length: length, breadth: breadth), style: style, title: title,
            note: note, state: state, stateStyle: stateStyle)
        boxes.append(box)
        return box
    }

    private mutating func addOrder(_ state: SystemState) -> Box {
        let isDown = state.orders == nil || state.isDown("order-1")
        let size = shape == .wide ? (length: 170.0, breadth: 96.0) : (length: 84.0, breadth: 200.0)
        return add(
            along: 8, across: (breadth - size.breadth) / 2, length: size.length, breadth: size.breadth,
            style: isDown ? "service down" : "service", title: "Order service",
            note: state.orders.map { Readable.count($0.orders, "order") },
            state: isDown ? "✕ down" : state.orders?.sending == .outbox ? nil : "sends directly",
            stateStyle: isDown ? "broken" : "")
    }

    private mutating func addOutbox(_ state: SystemState) -> Box {
        let size = shape == .wide ? (length: 150.0, breadth: 84.0) : (length: 76.0, breadth: 160.0)
        let waiting = state.orders?.outboxWaiting ?? 0
        let isIdle = state.orders.map { $0.sending != .outbox && waiting == 0 } ?? false
        return add(
            along: shape == .wide ? 238 : 132, across: (breadth - size.breadth) / 2, length: size.length,
            breadth: size.breadth, style: isIdle ? "store idle" : "store", title: "Outbox",
            note: state.orders == nil ? nil : isIdle ? "not in use" : "\(waiting.grouped()) waiting",
            state: waiting > 0 ? "→ flowing" : nil, stateStyle: "flowing")
    }

    private mutating func addPartitions(_ state: SystemState) -> [Box] {
        let known = state.partitions ?? []
        let count = known.isEmpty ? ShopTopics.partitions : known.count
        let margin = shape == .wide ? 28.0 : 4.0
        let gap = shape == .wide ? 14.0 : 6.0
        let breadth = (self.breadth - 2 * margin - gap * Double(count - 1)) / Double(count)
        let along = shape == .wide ? 458.0 : 262.0
        let text = "Topic “\(state.topic)”"
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

    private mutating func addConsumers(_ state: SystemState, _ partitions: [Box]) {
        let consumers = SystemWatch.groups.flatMap { group in state.consumers(of: group).map { (group, $0) } }
        guard !consumers.isEmpty else { return }
        let margin = shape == .wide ? 28.0 : 4.0
        let gap = shape == .wide ? 26.0 : 8.0
        let count = Double(consumers.count)
        let breadth = min((self.breadth - 2 * margin - gap * (count - 1)) / count, shape == .wide ? 104 : 150)
        let used = breadth * count + gap * (count - 1)
        let first = (self.breadth - used) / 2
        for (index, (group, name)) in consumers.enumerated() {
            let owned = (state.partitions ?? []).filter { $0.owner(in: group)?.instance == name }
            let lag = owned.reduce(0) { $0 + ($1.owner(in: group)?.lag ?? 0) }
            let isDown = state.isDown(name)
            let box = add(
                along: shape == .wide ? 858 : 500, across: first + Double(index) * (breadth + gap),
                length: shape == .wide ? 214 : 104, breadth: breadth,
                style: "consumer \(group)\(isDown ? " down" : "")", title: Self.title(of: name),
                note: Self.note(for: owned.map(\.partition), shape),
                state: isDown ? "✕ down" : lag > 0 ? "→ \(lag.grouped()) behind" : owned.isEmpty ? nil : "✓ caught up",
                stateStyle: isDown ? "broken" : lag > 0 ? "flowing" : "calm")
            for partition in owned where partition.partition < partitions.count {
                connect(partitions[partition.partition], box, style: "path \(group)\(isDown ? " down" : "")")
            }
        }
    }

    /// `invoicing-2` → `Invoicing 2`
    private static func title(of name: String) -> String {
        let words = name.replacing("-", with: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    private static func note(for partitions: [Int], _ shape: Shape) -> String {
        guard !partitions.isEmpty else { return shape == .wide ? "no partition" : "none" }
        let list = partitions.map(String.init).joined(separator: ", ")
        guard shape == .wide else { return list }
        return partitions.count == 1 ? "partition \(list)" : "partitions \(list)"
    }

    /// A curve from the end of one box to the beginning of another.
    private mutating func connect(_ from: Box, _ to: Box, style: String) {
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
        lines.append(Line(path: path, style: style))
    }
}

import Tidings
import TidingsSQLite

struct OrderPlaced: Event {
    static let eventType = "outside.order.placed"
    var order: String
    var key: String { order }
}

@main
struct Outside {
    static func main() async throws {
        let store = try SQLiteStore(path: CommandLine.arguments[1])
        let publisher = Publisher(store: store, source: "/outside")
        try await publisher.publish(OrderPlaced(order: "1"), to: Topic("order")) { db in
            try db.execute(sql: "CREATE TABLE purchase (id TEXT PRIMARY KEY)")
            try db.execute(sql: "INSERT INTO purchase VALUES ('1')")
        }
        let status = try await store.transaction { try store.outboxStatus(in: $0) }
        print("waiting: \(status.pending)")
    }
}

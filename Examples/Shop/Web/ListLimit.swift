import Hummingbird

/// How many elements a list in JSON has: `?limit=`, or what is usual.
enum ListLimit {
    static let usual = 10_000
    static let most = 100_000

    static func json(_ request: Request) throws -> Int {
        min(try request.queryNumber("limit") ?? usual, most)
    }
}

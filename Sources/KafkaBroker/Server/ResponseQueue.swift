import DequeModule

/// Keeps a connection's answers in the order of its requests, whichever is ready first.
///
/// Some requests are never answered (acks=0): they take a place all the same, so that they count as work in hand, and
/// leave it without a trace.
///
/// It counts what requests and answers hold in memory: a request from its arrival, an answer from the moment its request
/// is let in with a claim to so many bytes, or else from the moment it is there, until it was handed to the system.
struct ResponseQueue<Response> {
    /// A request's place in the queue.
    struct Place: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private enum Slot {
        case open(bytes: Int, claim: Int)
        case ready(Response?, bytes: Int)
    }

    private var slots: Deque<Slot> = []
    private var firstNumber: UInt64 = 0
    /// Sum of the sizes of requests that have a place.
    private(set) var bytesInHand = 0
    /// Bytes of answers that are there or may come.
    private(set) var answerBytes = 0
    /// Of these, bytes that may come.
    private var claimedBytes = 0

    /// Bytes of requests and answers that are there.
    var heldBytes: Int { bytesInHand + answerBytes - claimedBytes }

    /// Requests that have a place.
    var count: Int { slots.count }

    /// Takes the next place for a request of `bytes`, whose answer may take `claim`.
    mutating func open(bytes: Int, claim: Int = 0) -> Place {
        slots.append(.open(bytes: bytes, claim: claim))
        bytesInHand += bytes
        answerBytes += claim
        claimedBytes += claim
        return Place(number: firstNumber + UInt64(slots.count - 1))
    }

    /// Puts the answer at its place; `size` is what it holds. A place is filled once; anything later is ignored.
    mutating func fill(_ place: Place, with response: Response?, size: Int = 0) {
        guard place.number >= firstNumber else { return }
        let index = Int(place.number - firstNumber)
        guard index < slots.count, case .open(let bytes, let claim) = slots[index] else { return }
        answerBytes += size - claim
        claimedBytes -= claim
        slots[index] = .ready(response, bytes: bytes)
    }

    /// An answer of so many bytes has left.
    mutating func sent(_ size: Int) {
        answerBytes -= size
    }

    /// The next answer to send; nil when the oldest request is still in work or there is none.
    mutating func next() -> Response? {
        while case .ready(let response, let bytes) = slots.first {
            slots.removeFirst()
            firstNumber += 1
            bytesInHand -= bytes
            if let response { return response }
        }
        return nil
    }
}

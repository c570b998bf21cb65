/// The server's code for what happened: five characters, of which the first two are the class.
///
/// Appendix A of PostgreSQL's manual lists them all.
public struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public static let notNullViolation = SQLState(rawValue: "23502")
    public static let foreignKeyViolation = SQLState(rawValue: "23503")
    public static let uniqueViolation = SQLState(rawValue: "23505")
    public static let checkViolation = SQLState(rawValue: "23514")
    public static let serializationFailure = SQLState(rawValue: "40001")
    public static let deadlockDetected = SQLState(rawValue: "40P01")
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
    public static let queryCanceled = SQLState(rawValue: "57014")
    public static let adminShutdown = SQLState(rawValue: "57P01")
    public static let undefinedTable = SQLState(rawValue: "42P01")

    /// The first two characters, for example `23` for violated constraints.
    public var classCode: String { String(rawValue.prefix(2)) }

    public var description: String { rawValue }

    /// What the code means to whoever has to decide what to do next.
    var errorCode: PostgresError.Code {
        switch rawValue {
        case "40001": return .serializationFailure
        case "40P01": return .deadlock
        case "55P03", "57014", "25P04": return .timeout
        case "57P01", "57P02", "57P03", "57P05", "25P03": return .connectionLost
        case "25006": return .readOnly
        case "25P02": return .transactionAborted
        case "26000": return .staleStatement
        default: break
        }
        switch classCode {
        case "08": return .connectionLost
        case "23": return .constraintViolation
        case "40": return .serializationFailure
        case "53": return .outOfResources
        default: return .statement
        }
    }
}

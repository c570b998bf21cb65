import KafkaProtocol
import NIOCore

/// Whose configuration it is, as the protocol names it.
enum ConfigResource: Hashable, Sendable {
    case topic(String)
    case broker(LiveConfiguration.Scope)

    private static let topicType: Int8 = 2
    private static let brokerType: Int8 = 4

    /// A broker is named by its number, all brokers by nothing.
    init(type: Int8, name: String, in context: RequestContext) throws(TopicError) {
        switch type {
        case Self.topicType:
            self = .topic(name)
        case Self.brokerType where name.isEmpty:
            self = .broker(.allBrokers)
        case Self.brokerType:
            let node = context.core.configuration.nodeID
            guard let number = Int32(name) else {
                throw TopicError(.invalidRequest, "a broker's number is expected, not \(name)")
            }
            guard number == node else {
                throw TopicError(.invalidRequest, "this is broker \(node), not \(number)")
            }
            self = .broker(.broker)
        default:
            throw TopicError(.invalidRequest, "resources of type \(type) have no configuration here")
        }
    }

    /// One resource of an alteration.
    struct Alteration {
        var type: Int8
        var name: String
        var change: Result<ConfigurationChange, TopicError>
    }

    /// Alters the resources one by one; why each was refused, in their order, when all are durable and in force.
    static func alter(
        _ alterations: [Alteration], onlyValidate: Bool, in context: RequestContext
    ) -> EventLoopFuture<[TopicError?]> {
        let counts = Dictionary(alterations.map { ("\($0.type) \($0.name)", 1) }) { $0 + $1 }
        let answers = alterations.map { alteration -> EventLoopFuture<TopicError?> in
            do throws(TopicError) {
                guard counts["\(alteration.type) \(alteration.name)"] == 1 else {
                    throw TopicError(.invalidRequest, "the request names the resource more than once")
                }
                let resource = try ConfigResource(type: alteration.type, name: alteration.name, in: context)
                return resource.alter(try alteration.change.get(), onlyValidate: onlyValidate, in: context)
            } catch {
                return context.eventLoop.makeSucceededFuture(error)
            }
        }
        return EventLoopFuture.whenAllSucceed(answers, on: context.eventLoop)
    }

    private func alter(
        _ change: ConfigurationChange, onlyValidate: Bool, in context: RequestContext
    ) -> EventLoopFuture<TopicError?> {
        let promise = context.eventLoop.makePromise(of: TopicError?.self)
        switch self {
        case .topic(let name):
            context.core.topics.alter(name, change, onlyValidate: onlyValidate) { promise.succeed($0) }
        case .broker(let scope):
            context.core.topics.alter(scope, change, onlyValidate: onlyValidate) { promise.succeed($0) }
        }
        return promise.futureResult
    }
}

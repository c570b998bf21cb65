import KafkaProtocol
import NIOCore

/// DescribeConfigs (32), versions 0 to 4.
///
/// The properties of a topic or of the broker by Kafka's names, in their order: value, type, whether it can be altered,
/// where it comes from, and, if asked for, all values it was given, the strongest first (synonyms), and what it means. Of
/// all brokers (no name) what was altered for them. No or empty names ask for all properties.
///
/// Left out: resources other than topics and brokers (loggers, metrics, groups): INVALID_REQUEST.
enum DescribeConfigsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4

    static func answer(
        _ request: DescribeConfigsRequest, in context: RequestContext
    ) -> EventLoopFuture<DescribeConfigsResponse?> {
        context.now(
            DescribeConfigsResponse { response in
                response.results = request.resources.map { describe($0, request, context) }
            })
    }

    private static func describe(
        _ resource: DescribeConfigsRequest.Resource, _ request: DescribeConfigsRequest, _ context: RequestContext
    ) -> DescribeConfigsResponse.Result {
        DescribeConfigsResponse.Result { answer in
            answer.resourceType = resource.resourceType
            answer.resourceName = resource.resourceName
            answer.errorMessage = nil
            do throws(TopicError) {
                let whose = try ConfigResource(
                    type: resource.resourceType, name: resource.resourceName, in: context)
                let wanted = Set(resource.configurationKeys ?? [])
                answer.configs = try properties(of: whose, in: context.core)
                    .filter { wanted.isEmpty || wanted.contains($0.name) }
                    .sorted { $0.name < $1.name }
                    .map { $0.config(synonyms: request.includeSynonyms, documentation: request.includeDocumentation) }
            } catch {
                answer.errorCode = error.code
                answer.errorMessage = error.message
            }
        }
    }

    private static func properties(
        of resource: ConfigResource, in core: BrokerCore
    ) throws(TopicError) -> [PropertyInForce] {
        switch resource {
        case .topic(let name):
            guard let topic = core.topics.topic(named: name) else {
                throw TopicError(.unknownTopicOrPartition, "there is no topic \(name)")
            }
            return TopicProperty.all.map { PropertyInForce($0, overrides: topic.configuration, live: core.live) }
        case .broker(.broker):
            return BrokerProperty.all.map { PropertyInForce($0, live: core.live) }
                + TopicProperty.all.compactMap { PropertyInForce(defaultOf: $0, live: core.live) }
                + facts(core.configuration)
        case .broker(.allBrokers):
            let altered = core.live.altered(.allBrokers)
            return
                (BrokerProperty.all.map { PropertyInForce($0, live: core.live) }
                + TopicProperty.all.compactMap { PropertyInForce(defaultOf: $0, live: core.live) })
                .filter { altered[$0.name] != nil }.map { $0.from(.allBrokers) }
        }
    }

    /// What the broker was started with beside properties; tools look for it by these names.
    private static func facts(_ configuration: BrokerConfiguration) -> [PropertyInForce] {
        func fact(_ name: String, _ value: String, _ documentation: String) -> PropertyInForce {
            PropertyInForce(
                name: name, type: .string, documentation: documentation, isReadOnly: true,
                values: [.init(name: name, value: value, source: .start)])
        }
        return [
            fact("log.dirs", configuration.dataDirectory, "where records, groups and metadata are"),
            fact("listeners", "PLAINTEXT://\(configuration.listen)", "where connections are accepted"),
            fact(
                "advertised.listeners", "PLAINTEXT://\(configuration.advertise ?? configuration.listen)",
                "what clients are told"),
        ]
    }
}

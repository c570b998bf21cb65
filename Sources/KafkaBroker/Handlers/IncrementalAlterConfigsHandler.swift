import KafkaProtocol
import NIOCore

/// IncrementalAlterConfigs (44), versions 0 and 1 (KIP-339).
///
/// Sets, deletes, appends to and subtracts from single properties of a topic or of the broker, with Kafka's names; values
/// are checked. One answer per resource, when the change is durable and in force in every partition; of a resource either
/// everything changes or nothing. A topic's faults are INVALID_CONFIG, the broker's INVALID_REQUEST, as with Apache Kafka.
///
/// Of the broker everything can be altered that is not needed to start it (`DescribeConfigsHandler` tells it as not
/// read-only), the intervals of the cleaner, of retention and of offsets among it; by its number for itself, or by no name
/// for all brokers, which is weaker.
///
/// Left out: resources other than topics and brokers (loggers, metrics, groups): INVALID_REQUEST.
enum IncrementalAlterConfigsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...1

    static func answer(
        _ request: IncrementalAlterConfigsRequest, in context: RequestContext
    ) -> EventLoopFuture<IncrementalAlterConfigsResponse?> {
        let alterations = request.resources.map { resource in
            ConfigResource.Alteration(
                type: resource.resourceType, name: resource.resourceName,
                change: Result { () throws(TopicError) in try change(resource.configs) })
        }
        return ConfigResource.alter(alterations, onlyValidate: request.validateOnly, in: context).map { refusals in
            IncrementalAlterConfigsResponse { response in
                response.responses = zip(request.resources, refusals).map { resource, refusal in
                    IncrementalAlterConfigsResponse.Resource { answer in
                        answer.resourceType = resource.resourceType
                        answer.resourceName = resource.resourceName
                        answer.errorCode = refusal?.code ?? .none
                        answer.errorMessage = refusal?.message
                    }
                }
            }
        }
    }

    private static func change(
        _ configs: [IncrementalAlterConfigsRequest.Config]
    ) throws(TopicError) -> ConfigurationChange {
        ConfigurationChange(
            steps: try configs.map { (config) throws(TopicError) in
                guard let operation = ConfigurationChange.Operation(rawValue: config.configOperation) else {
                    throw TopicError(.invalidRequest, "there is no operation \(config.configOperation)")
                }
                return ConfigurationChange.Step(name: config.name, operation: operation, value: config.value)
            })
    }
}

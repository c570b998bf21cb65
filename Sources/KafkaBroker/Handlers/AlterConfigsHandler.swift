import KafkaProtocol
import NIOCore

/// AlterConfigs (33), versions 0 to 2.
///
/// Replaces everything that was set of a topic or of the broker: what is not named returns to what holds without it. One
/// answer per resource, when the change is durable and in force; of a resource either everything changes or nothing. See
/// `IncrementalAlterConfigsHandler` for what can be altered.
///
/// Left out: resources other than topics and brokers: INVALID_REQUEST.
enum AlterConfigsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2

    static func answer(
        _ request: AlterConfigsRequest, in context: RequestContext
    ) -> EventLoopFuture<AlterConfigsResponse?> {
        let alterations = request.resources.map { resource in
            let steps = resource.configs.map {
                ConfigurationChange.Step(name: $0.name, operation: .set, value: $0.value)
            }
            return ConfigResource.Alteration(
                type: resource.resourceType, name: resource.resourceName,
                change: .success(ConfigurationChange(startsAnew: true, steps: steps)))
        }
        return ConfigResource.alter(alterations, onlyValidate: request.validateOnly, in: context).map { refusals in
            AlterConfigsResponse { response in
                response.responses = zip(request.resources, refusals).map { resource, refusal in
                    AlterConfigsResponse.Resource { answer in
                        answer.resourceType = resource.resourceType
                        answer.resourceName = resource.resourceName
                        answer.errorCode = refusal?.code ?? .none
                        answer.errorMessage = refusal?.message
                    }
                }
            }
        }
    }
}

import KafkaProtocol
import NIOCore

/// DescribeCluster (60), versions 0 to 2 (KIP-700).
///
/// The cluster's id and its one broker, which is its controller too. Asked for controllers instead of brokers it answers
/// MISMATCHED_ENDPOINT_TYPE, as a broker of Apache Kafka does.
///
/// Left out: authorized operations (there is no authorizer; the field keeps its "not asked for" value).
enum DescribeClusterHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2
    private static let brokers: Int8 = 1
    private static let controllers: Int8 = 2

    static func answer(
        _ request: DescribeClusterRequest, in context: RequestContext
    ) -> EventLoopFuture<DescribeClusterResponse?> {
        context.now(
            DescribeClusterResponse { response in
                guard request.endpointType == brokers else {
                    response.errorCode =
                        request.endpointType == controllers ? .mismatchedEndpointType : .unsupportedEndpointType
                    response.errorMessage = "this is a broker; ask for brokers (endpoint type 1)"
                    return
                }
                let node = context.core.configuration.nodeID
                let address = context.core.advertisedAddress(for: context.connection)
                response.clusterID = context.core.clusterID
                response.controllerID = node
                response.brokers = [
                    DescribeClusterResponse.Broker { broker in
                        broker.brokerID = node
                        broker.host = address.host
                        broker.port = Int32(address.port)
                    }
                ]
            })
    }
}

import KafkaProtocol
import NIOCore

/// ListGroups (16), versions 0 to 5.
///
/// All groups, from version 4 filtered by state, from 5 by type ("classic" is the only one here).
enum ListGroupsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5
    private static let type = "classic"

    static func answer(
        _ request: ListGroupsRequest, in context: RequestContext
    ) -> EventLoopFuture<ListGroupsResponse?> {
        let states = Set(request.statesFilter.map { $0.lowercased() })
        let types = Set(request.typesFilter.map { $0.lowercased() })
        return context.core.groups.allGroups().hop(to: context.eventLoop).map { groups in
            ListGroupsResponse { response in
                guard types.isEmpty || types.contains(type) else { return }
                response.groups = groups.filter { group in
                    states.isEmpty || states.contains(group.state.rawValue.lowercased())
                }.map { group in
                    ListGroupsResponse.Group { answer in
                        answer.groupID = group.id
                        answer.protocolType = group.protocolType ?? ""
                        answer.groupState = group.state.rawValue
                        answer.groupType = type
                    }
                }
            }
        }
    }
}

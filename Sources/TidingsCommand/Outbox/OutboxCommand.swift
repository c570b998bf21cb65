import ArgumentParser

/// `tidings outbox`: how a service's outbox stands, and what becomes of events that cannot go.
struct OutboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox",
        abstract: "Look at a service's outbox; retry or skip events that could not be sent.",
        discussion: """
            A service writes its events into the outbox in the transaction of its action,
            and its relay sends them to Kafka. An event that can never go (too large,
            refused for what it is) is parked with its reason. Later events of its topic
            and key are parked behind it, so that nothing overtakes; everything else flows
            on.

              tidings outbox status --database order.sqlite
              tidings outbox list   --database postgres://shop@db.example/order
              tidings outbox show   --database order.sqlite 1234
              tidings outbox retry  --database order.sqlite 1234
              tidings outbox skip   --database order.sqlite 1234 --note 'ticket 99'

            When the cause is gone, retry. When the event is not wanted any more, skip.
            Either way what is parked behind it goes again, in order. The service and its
            relay may run meanwhile.

            EXIT CODES
              0    done
              1    the database could not be reached or used
              2    no such event is parked, or an earlier one of its key has to be decided first
              64   the arguments are wrong
              130  ended by Ctrl-C, after cleaning up; 143 by SIGTERM
            """,
        subcommands: [
            OutboxStatusCommand.self, OutboxListCommand.self, OutboxShowCommand.self, OutboxRetryCommand.self,
            OutboxSkipCommand.self,
        ])
}

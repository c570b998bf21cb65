import ArgumentParser

/// `tidings deadletters`: what becomes of received records that could not be handled.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deadletters",
        abstract: "Look at received records that could not be handled; have them retried or skip them.",
        discussion: """
            A subscription keeps a record that its handler cannot take, or that cannot be
            read, in the service's database, with its reason. Later records of its key in
            its partition are parked behind it, so that nothing overtakes; everything else
            flows on.

              tidings deadletters list  --database invoicing.sqlite
              tidings deadletters show  --database postgres://shop@db.example/invoicing 12
              tidings deadletters retry --database invoicing.sqlite 12
              tidings deadletters skip  --database invoicing.sqlite 12 --note 'ticket 99'

            When the cause is gone, retry: the service, which must run, tries the record
            and then what is parked behind it, first one first, each with one effect,
            until one fails again. When the record is not wanted any more, skip: what is
            parked behind it is tried then.

            EXIT CODES
              0    done
              1    the database could not be reached or used
              2    no such record is parked, or an earlier one of its key has to be decided first
              64   the arguments are wrong
              130  ended by Ctrl-C, after cleaning up; 143 by SIGTERM
            """,
        subcommands: [
            DeadLettersListCommand.self, DeadLettersShowCommand.self, DeadLettersRetryCommand.self,
            DeadLettersSkipCommand.self,
        ])
}

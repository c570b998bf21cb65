import CPQ
import Glibc

extension PostgresSession {
    /// Waits for notifications, and tells of them, until the bell rings; many that come together are told once.
    ///
    /// - Throws: ``PostgresError`` when the connection breaks.
    func listen(_ onNotification: () -> Void) throws {
        while true {
            var isNotified = false
            while let notification = PQnotifies(handle) {
                PQfreemem(notification)
                isNotified = true
            }
            if isNotified { onNotification() }
            guard isUsable, PQstatus(handle) == CONNECTION_OK else { throw lost() }
            var waits = [
                pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0),
                pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&waits, 2, -1) < 0, errno != EINTR { throw lost("poll: \(String(cString: strerror(errno)))") }
            if waits[1].revents != 0 { return }
            if waits[0].revents != 0, PQconsumeInput(handle) == 0 { throw lost() }
            // Reads what has come: a notice may be the server's last words.
            _ = PQisBusy(handle)
        }
    }
}

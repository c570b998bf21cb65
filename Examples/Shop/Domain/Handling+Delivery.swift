import Tidings

extension Handling {
    init(_ delivery: Delivery, by instance: String) {
        let now = Timestamp.now().millisecondsSince1970
        self.init(
            instance: instance, partition: Int(delivery.partition), offset: delivery.offset,
            afterMilliseconds: max(0, now - (delivery.time?.millisecondsSince1970 ?? now)))
    }
}

import Testing

@testable import Tidings

@Suite struct EventIDTests {
    @Test("a new id is a UUID of version 7 that sorts by its time")
    func version7() throws {
        let ids = (0..<100).map { _ in EventID().rawValue }
        for id in ids {
            let digits = Array(id)
            #expect(digits.count == 36)
            #expect(digits[8] == "-" && digits[13] == "-" && digits[18] == "-" && digits[23] == "-")
            #expect(digits[14] == "7")
            #expect("89ab".contains(digits[19]))
        }
        #expect(Set(ids).count == 100)
        let times = ids.map { $0.prefix(13) }
        #expect(times == times.sorted())
    }

    @Test("an id's digits are the time to a 4096th of a millisecond, then random ones")
    func digits() {
        let id = EventID(seconds: 1_751_290_000, nanoseconds: 123_500_000, random: .max)
        #expect(id.rawValue == "0197c104-b2fb-7800-bfff-ffffffffffff")
    }

    @Test(
        "a time reads back from its RFC 3339 text",
        arguments: [0, 1, -1, 951_782_400_000, 1_751_290_000_123, 4_102_444_799_999])
    func roundTrip(milliseconds: Int64) {
        let time = Timestamp(millisecondsSince1970: milliseconds)
        #expect(Timestamp(rfc3339: time.rfc3339) == time)
    }

    @Test("RFC 3339 is read with offsets and fractions of any length")
    func foreignTimes() {
        #expect(Timestamp(millisecondsSince1970: 1_751_290_000_123).rfc3339 == "2025-06-30T13:26:40.123Z")
        #expect(Timestamp(rfc3339: "2025-06-30T15:26:40.123456789+02:00")?.rfc3339 == "2025-06-30T13:26:40.123Z")
        #expect(Timestamp(rfc3339: "2025-06-30T13:26:40Z")?.rfc3339 == "2025-06-30T13:26:40.000Z")
        #expect(Timestamp(rfc3339: "2024-02-29t00:00:00.5z")?.rfc3339 == "2024-02-29T00:00:00.500Z")
        for wrong in ["", "2025-06-30", "2025-13-30T00:00:00Z", "2025-06-30T13:26:40", "2025-06-30T13:26:40Zx"] {
            #expect(Timestamp(rfc3339: wrong) == nil, "\(wrong)")
        }
    }
}

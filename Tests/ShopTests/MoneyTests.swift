import Testing

@testable import Shop

@Suite("Money")
struct MoneyTests {
    @Test(
        "is read exactly, or not at all",
        arguments: [
            ("12", 1200), ("12.5", 1250), ("12,50", 1250), ("0.07", 7), ("1000000.00", 100_000_000), ("", nil),
            ("1.234", nil), ("1.", nil), (".5", nil), ("-1", nil), ("1e3", nil), ("1.2.3", nil), ("٣", nil),
            ("99999999999999999999", nil), ("€ 0.05", 5), ("€ 1,234.50", 123_450), ("1,234,567.89", 123_456_789),
            ("1,234", nil), ("12,34.50", nil), ("1234,567.89", nil), ("€", nil),
        ] as [(String, Int?)])
    func reading(text: String, cents: Int?) {
        #expect(Money(text: text)?.cents == cents)
    }

    @Test("is written with two decimals and groups of three digits")
    func writing() {
        #expect(Money(cents: 123_456_789).formatted == "€ 1,234,567.89")
        #expect(Money(cents: 5).formatted == "€ 0.05")
        #expect(Money(cents: -1_250).formatted == "€ −12.50")
        #expect(Money(cents: 123_450).plain == "1234.50")
    }
}

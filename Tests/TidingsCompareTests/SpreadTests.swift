import Testing

@testable import TidingsCompare

@Suite struct SpreadTests {
    @Test("a spread has the middle of its runs and their ends")
    func middle() {
        let odd = Spread([3, 1, 2])
        #expect(odd.median == 2 && odd.lowest == 1 && odd.highest == 3)
        #expect(Spread([4, 1, 3, 2]).median == 2.5)
        #expect(Spread([]).median == 0)
    }

    @Test("what overlaps is within noise, and so is a difference below a tenth")
    func noise() {
        #expect(Spread([1, 2, 3]).isWithinNoise(of: Spread([2.5, 4, 5])))
        #expect(Spread([100]).isWithinNoise(of: Spread([105])))
        #expect(!Spread([1, 1.1, 1.2]).isWithinNoise(of: Spread([2, 2.1, 2.2])))
    }

    @Test("the median of latencies is that of the runs, and the distribution that of all")
    func latencies() {
        let latencies = Latencies([Array(repeating: 1_000_000, count: 100), Array(repeating: 3_000_000, count: 100)])
        #expect(abs(latencies.median.median - 2) < 0.01)
        #expect(abs(latencies.median.highest - 3) < 0.01)
        #expect(latencies.count == 200)
        #expect(abs((latencies.distribution.first?.milliseconds ?? 0) - 1) < 0.01)
        #expect(abs((latencies.distribution.last?.milliseconds ?? 0) - 3) < 0.01)
    }

    @Test("figures are told with three digits and a unit")
    func words() {
        #expect(Words.milliseconds(0.4249) == "0.42 ms")
        #expect(Words.milliseconds(4.25) == "4.3 ms")
        #expect(Words.milliseconds(425) == "425 ms")
        #expect(Words.milliseconds(12_345) == "12.3 s")
        #expect(Words.rounded(1.05, 2) == "1.05")
        #expect(Words.seconds(0.3) == "0.3" && Words.seconds(10) == "10" && Words.seconds(3) == "3")
        #expect(Words.time(4.26) == "4.3 s" && Words.time(59.4) == "59 s" && Words.time(119.6) == "2 min 0 s")
        #expect(Words.count(1_234_567) == "1,234,567")
        #expect(Words.count(1_000) == "1,000")
        #expect(Words.spread(Spread([0.4, 0.5, 0.6]), Words.milliseconds) == "0.50 ms (0.40–0.60)")
        #expect(Words.spread(Spread([5]), Words.count) == "5")
    }

    @Test("an axis of powers of ten holds all values, and shows larger ones further right")
    func axis() {
        let axis = LogAxis([0.3, 40])
        #expect(axis.ticks.count == 4)
        #expect(axis.ticks.map(LogAxis.words) == ["100 µs", "1 ms", "10 ms", "100 ms"])
        #expect(axis.position(0.3) < axis.position(3) && axis.position(3) < axis.position(40))
        #expect(axis.position(0.3) > 0 && axis.position(40) < 100)
        #expect(LogAxis([]).ticks.count > 1)
    }
}

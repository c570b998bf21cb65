import Testing

@testable import KafkaProtocol

@Suite("CRC-32C")
struct CRC32CTests {
    @Test("The check value of the nine digits comes out, in hardware and portably")
    func checkValue() {
        let digits = Array("123456789".utf8)
        #expect(CRC32C.checksum(digits) == 0xE306_9283)
        #expect(digits.withUnsafeBytes { CRC32C.portableChecksum($0) } == 0xE306_9283)
    }

    @Test("Hardware and portable sums agree at every length and alignment")
    func agreement() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        bytes.withUnsafeBytes { all in
            for start in 0..<9 {
                for end in start...all.count {
                    let slice = UnsafeRawBufferPointer(rebasing: all[start..<end])
                    #expect(CRC32C.checksum(slice) == CRC32C.portableChecksum(slice))
                }
            }
        }
    }

    @Test("A sum continues where another ended")
    func continuing() {
        let head = CRC32C.checksum(Array("1234".utf8))
        #expect(CRC32C.checksum(Array("56789".utf8), continuing: head) == 0xE306_9283)
        #expect(CRC32C.checksum([] as [UInt8], continuing: head) == head)
    }
}

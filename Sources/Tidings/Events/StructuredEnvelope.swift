#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// CloudEvents' structured content mode in JSON: attributes and data together in the record's value.
///
/// The data's bytes are taken as they stand, so that numbers keep all their digits.
///
/// Source: CloudEvents, "JSON Event Format", version 1.0.2, section 3.1.
struct StructuredEnvelope {
    struct Attributes: Decodable {
        var id: String
        var source: String
        var type: String
        var time: String?
        var datacontenttype: String?
        var base64: String?

        enum CodingKeys: String, CodingKey {
            case id, source, type, time, datacontenttype
            case base64 = "data_base64"
        }
    }

    let attributes: Attributes
    let data: [UInt8]?

    /// Nil when the value is no such envelope.
    init?(_ value: [UInt8]) {
        guard let attributes = try? JSONDecoder().decode(Attributes.self, from: Data(value)) else { return nil }
        self.attributes = attributes
        if let base64 = attributes.base64 {
            data = Data(base64Encoded: base64).map { [UInt8]($0) }
        } else {
            data = StructuredEnvelope.member("data", of: value).map { Array(value[$0]) }
        }
    }

    /// Where the value of a member of the outermost object stands, in JSON that is known to be well formed.
    private static func member(_ name: String, of json: [UInt8]) -> Range<Int>? {
        let wanted = Array("\"\(name)\"".utf8)
        var depth = 0
        var position = 0
        var key: ArraySlice<UInt8>?
        var start: Int?
        while position < json.count {
            switch json[position] {
            case UInt8(ascii: "\""):
                let begin = position
                position += 1
                while position < json.count, json[position] != UInt8(ascii: "\"") {
                    position += json[position] == UInt8(ascii: "\\") ? 2 : 1
                }
                if depth == 1, start == nil { key = json[begin..<min(position + 1, json.count)] }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
            case UInt8(ascii: ":") where depth == 1 && start == nil:
                if key?.elementsEqual(wanted) == true { start = position + 1 }
            case UInt8(ascii: ",") where depth == 1:
                if let start { return start..<position }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0, let start { return start..<position }
            default:
                break
            }
            position += 1
        }
        return nil
    }
}

/// A link from a page to a file near it, which still leads there when both have gone elsewhere together.
struct Link: Sendable {
    /// Relative to the page's folder, for an attribute.
    let address: String
    /// The folder beside the page that has the file; how to come to the file's own folder, where it is not beside it.
    let folder: String
    /// Whether that folder is beside the page.
    let isBeside: Bool

    /// - Parameters:
    ///   - file: an absolute path.
    ///   - page: the folder of the page, an absolute path.
    init(to file: String, from page: String) {
        let target = file.split(separator: "/").map(String.init)
        let start = page.split(separator: "/").map(String.init)
        let shared = zip(target, start).prefix { $0 == $1 }.count
        let steps = Array(repeating: "..", count: start.count - shared) + target[shared...]
        address = steps.map(Self.escaped).joined(separator: "/")
        isBeside = shared == start.count && steps.count > 1
        folder = isBeside ? steps[0] : steps.dropLast().joined(separator: "/")
    }

    private static func escaped(_ step: String) -> String {
        step.utf8.reduce(into: "") { text, byte in
            let character = Character(UnicodeScalar(byte))
            if character.isASCII, character.isLetter || character.isNumber || "-._~".contains(character) {
                text.append(character)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
    }
}

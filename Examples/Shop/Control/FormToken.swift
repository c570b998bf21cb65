import HTTPTypes

/// A number that only pages of this process know: a form without it was not made here.
///
/// The guard against other sites rests on what browsers say of themselves; this one does not.
struct FormToken: Sendable {
    static let field = "token"

    let text: String

    init() {
        var random = SystemRandomNumberGenerator()
        text = (0..<4).map { _ in String(UInt32.random(in: 0 ... .max, using: &random), radix: 36) }.joined()
    }

    /// - Throws: a ``Refusal`` when the form was not made by this process.
    func check(_ form: FormBody) throws {
        guard form[Self.field] == text else {
            throw Refusal(
                .forbidden,
                "This form is not from a page that this process has made (perhaps it was started again since), so "
                    + "nothing was done. Go back, reload the page and try again.")
        }
    }
}

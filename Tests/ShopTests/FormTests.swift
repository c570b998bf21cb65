import NIOCore
import Testing

@testable import Shop

@Suite("Forms")
struct FormTests {
    private func body(_ text: String) -> FormBody { FormBody(ByteBuffer(string: text)) }

    @Test("are read with their escapes, and a broken escape stays as it is")
    func escapes() {
        let form = body("a=1+2%20%C3%A9&b=100%&c&a=%zz")
        #expect(form.all("a") == ["1 2 é", "%zz"])
        #expect(form["b"] == "100%")
        #expect(form["c"] == "" && form.contains("c") && !form.contains("d"))
    }

    @Test("an order's form leaves out empty lines and keeps what was typed")
    func lines() throws {
        let form = OrderForm(
            body("customer=1&item=2&count=3&item=&count=&shipping-street=S&shipping-zip=Z&billing-is-shipping=yes"))
        let order = try form.newOrder()
        #expect(order.lines.map(\.itemId) == [2] && order.lines.map(\.count) == [3])
        #expect(order.billingAddress == order.shippingAddress)
        #expect(order.id == form.id && OrderID.isValid(form.id))
    }

    @Test("an order's form says what it cannot understand")
    func misunderstandings() {
        let form = OrderForm(body("item=1&count=two&item=&count=1"))
        do {
            _ = try form.newOrder()
            Issue.record("the form was accepted")
        } catch let problems as OrderProblems {
            #expect(problems.sentences.count == 3)
        } catch {
            Issue.record(error)
        }
    }

    @Test("what is typed cannot leave its place in the page, not even behind a combining mark")
    func escaping() throws {
        let model: [String: Any] = ["title": "x", "body": ["sentence": "\"\u{301}><script>'"]]
        let page = try Templates().render("error", model)
        #expect(page.contains("&quot;\u{301}&gt;&lt;script&gt;&#39;"))
        #expect(!page.contains("<script>"))
    }
}

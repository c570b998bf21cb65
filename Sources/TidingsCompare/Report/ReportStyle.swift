/// The page's one stylesheet.
enum ReportStyle {
    static let css = """
        :root {
          color-scheme: light dark;
          --ground: #fbfaf8; --ink: #1c1b19; --quiet: #5d5a54; --line: #dcd8d0; --accent: #8a3b12; --bad: #b3261e;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #171614; --ink: #f0ede6; --quiet: #aaa59a; --line: #3a3833; --accent: #f0a173; --bad: #ff9c93;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; background: var(--ground); color: var(--ink);
          font: 16px/24px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
        }
        main { max-width: 1180px; margin: 0 auto; padding: 24px 16px 64px; }
        h1 { font-size: 32px; line-height: 40px; font-weight: 650; letter-spacing: -.01em; margin: 8px 0 16px; }
        h2 { font-size: 20px; line-height: 28px; margin: 48px 0 4px; }
        p { max-width: 68ch; margin: 0 0 12px; }
        a { color: var(--accent); }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        .quiet { color: var(--quiet); font-size: 14px; line-height: 20px; }
        .bad, .bad a { color: var(--bad); font-weight: 600; }
        ul { max-width: 72ch; padding-left: 20px; }
        li { margin-bottom: 8px; }
        .answer {
          font-size: 20px; line-height: 30px; border-left: 4px solid var(--accent); padding-left: 16px; margin: 24px 0;
        }
        svg { display: block; margin: 12px 0; overflow: visible; }
        svg text { font-size: 13px; fill: var(--ink); font-variant-numeric: tabular-nums; }
        svg .tick { fill: var(--quiet); font-size: 12px; }
        svg .name { font-weight: 600; }
        svg .value { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; stroke-linejoin: round; }
        .grid { stroke: var(--line); stroke-width: 1; }
        .range { stroke: var(--quiet); stroke-width: 2; }
        .middle { stroke: var(--accent); stroke-width: 8; stroke-opacity: .45; }
        .p99 { stroke: var(--ink); stroke-width: 2; }
        .median { fill: var(--accent); stroke: var(--ground); stroke-width: 2; }
        .curve { stroke: var(--accent); stroke-width: 2; }
        .bend { stroke: var(--accent); stroke-dasharray: 2 4; }
        .table { overflow-x: auto; position: relative; }
        table { border-collapse: collapse; width: 100%; margin: 12px 0; font-size: 14px; line-height: 20px; }
        .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
        td small { display: block; font-size: 12px; line-height: 16px; color: var(--quiet); white-space: nowrap; }
        caption { text-align: left; color: var(--quiet); padding-bottom: 4px; }
        th, td { padding: 4px 8px; border-bottom: 1px solid var(--line); vertical-align: top; }
        th { font-weight: 600; color: var(--quiet); vertical-align: bottom; }
        th, td { text-align: right; font-variant-numeric: tabular-nums; }
        th:first-child, td:first-child { text-align: left; }
        details { border-top: 1px solid var(--line); padding: 8px 0; }
        summary { cursor: pointer; }
        @media (min-width: 761px) { td { white-space: nowrap; } }
        .trials { scroll-margin-top: 48px; }
        .trials td { text-align: left; overflow-wrap: anywhere; white-space: normal; }
        .trials th { text-align: left; }
        .trials caption { display: none; }
        @media (min-width: 761px) { .trials td:not(:first-child, :last-child) { white-space: nowrap; } }
        .trials td small { white-space: normal; font-weight: 400; }
        @media (min-width: 761px) { td:first-child { white-space: nowrap; } }
        @media screen and (max-width: 760px) {
          thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
          tr { display: block; border-bottom: 2px solid var(--line); padding: 8px 0; }
          td { display: flex; justify-content: flex-end; align-items: baseline; gap: 8px; border: 0; padding: 2px 0; }
          td::before { content: attr(data-label); color: var(--quiet); text-align: left; font-weight: 400; margin-right: auto; }
          td small { display: inline; }
          td:first-child { font-weight: 600; justify-content: flex-start; }
          td:first-child::before { content: none; }
          .trials tr { display: flex; flex-wrap: wrap; gap: 0 16px; font-size: 13px; border-bottom-width: 1px; }
          .trials td { justify-content: flex-start; }
          .trials td::before { margin-right: 0; }
          .trials td:first-child, .trials td:last-child { flex-basis: 100%; flex-wrap: wrap; }
          .trials td:first-child small { flex-basis: 100%; }
          .trials td:last-child::before { content: none; }
        }
        @media print {
          :root {
            --ground: #fff; --ink: #000; --quiet: #444; --line: #bbb; --accent: #8a3b12; --bad: #b3261e;
          }
          body { font-size: 11pt; line-height: 15pt; }
          .table { overflow: visible; }
          details::details-content { content-visibility: visible; display: block; height: auto; }
          table { font-size: 8pt; line-height: 11pt; }
          th, td { padding: 2pt 3pt; }
          td small { font-size: 7pt; line-height: 9pt; white-space: normal; }
          tr, svg { break-inside: avoid; }
          h2, h2 + p, caption { break-after: avoid; }
          a { text-decoration: none; }
          * { print-color-adjust: exact; }
        }
        """
}

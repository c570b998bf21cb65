// Keeps the overview up to date and lets events travel. The page is complete without it.
const note = document.getElementById("live");
const stage = document.getElementById("picture-stage");
const dots = document.getElementById("dots");
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
document.documentElement.classList.add("is-live");

// Parts of the page.

function show(id, html) {
    const part = document.getElementById(id);
    if (!part) return;
    // What looks the same stays: it may be under someone's finger.
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    if (fresh.innerHTML.trim() === part.innerHTML.trim()) return;
    // Whoever stands on a button with the keyboard stays there.
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    part.replaceChildren(fresh.content);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Dots: each travels the line its record travelled, so many times slower than it was.
const slowness = 100;
const longest = 3000;
const arrivals = new Map();
let travelling = [];

function line(name) {
    const picture = [...stage.querySelectorAll("svg")].find((svg) => svg.getClientRects().length > 0);
    return picture?.querySelector(`[data-way="${CSS.escape(name)}"]`);
}

function depart(motion, at) {
    const names = motion.way.startsWith("outbox-") ? ["order-outbox", motion.way] : [motion.way];
    const lines = names.map(line).filter(Boolean);
    const duration = Math.min(Math.max(motion.milliseconds, 1) * slowness, longest);
    const start = motion.kind === "sent" ? at : Math.max(at, arrivals.get(motion.order) ?? at);
    if (motion.kind === "sent") arrivals.set(motion.order, start + duration);
    if (lines.length < names.length) return;
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    dot.setAttribute("r", "6");
    dot.setAttribute("class", motion.kind);
    const lengths = lines.map((line) => line.getTotalLength());
    travelling.push({ dot, lines, lengths, start, duration, total: lengths.reduce((a, b) => a + b, 0) });
}

function travel(now) {
    travelling = travelling.filter((trip) => {
        const done = (now - trip.start) / trip.duration;
        if (done < 0) return true;
        if (done >= 1) {
            trip.dot.remove();
            return false;
        }
        let rest = done * trip.total;
        let part = 0;
        while (part < trip.lines.length - 1 && rest > trip.lengths[part]) rest -= trip.lengths[part++];
        const point = trip.lines[part].getPointAtLength(rest);
        trip.dot.setAttribute("cx", point.x);
        trip.dot.setAttribute("cy", point.y);
        if (!trip.dot.isConnected) dots.append(trip.dot);
        return true;
    });
    if (travelling.length > 0) requestAnimationFrame(travel);
}

function move(motions) {
    if (isCalm.matches || document.hidden || motions.length === 0) return;
    const picture = [...stage.querySelectorAll("svg")].find((svg) => svg.getClientRects().length > 0);
    if (!picture) return;
    dots.setAttribute("viewBox", picture.getAttribute("viewBox"));
    dots.setAttribute("class", picture.getAttribute("class"));
    const wasResting = travelling.length === 0;
    const now = performance.now();
    for (const motion of motions) depart(motion, now);
    if (arrivals.size > 2000) arrivals.clear();
    if (wasResting) requestAnimationFrame(travel);
}

// The stream.

const source = new EventSource(note.dataset.stream ?? "/live");

source.addEventListener("message", (event) => {
    const change = JSON.parse(event.data);
    for (const [id, html] of Object.entries(change.parts)) show(id, html);
    if (change.token) for (const field of document.getElementsByName("token")) field.value = change.token;
    move(change.motions);
    note.textContent = "This page keeps itself up to date.";
    note.className = "aside";
});

source.addEventListener("error", () => {
    note.textContent = "✕ The connection is lost, so what you see may be out of date. It is tried again.";
    note.className = "lost broken";
});

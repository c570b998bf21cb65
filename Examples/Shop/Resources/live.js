// Keeps the overview up to date and lets events travel. The page is complete without it.
const note = document.getElementById("live");
const stage = document.getElementById("picture-stage");
const dots = document.getElementById("dots");
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
document.documentElement.classList.add("is-live");

// Parts of the page.

// What came while the part was in use, by the parts' ids.
const waiting = new Map();
let isPressed = false;

function show(id, html) {
    const part = document.getElementById(id);
    if (!part) return;
    waiting.delete(id);
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    if (fresh.innerHTML.trim() === part.innerHTML.trim()) return;
    // Where the keyboard is, and what was chosen and not sent: both stay, or the part waits.
    const focused = part.contains(document.activeElement) ? [document.activeElement] : [];
    const chosen = [...part.querySelectorAll(":checked")].filter((one) => !(one.defaultChecked ?? one.defaultSelected));
    const isKept = (one) => one.id && !one.matches("select") && fresh.content.getElementById(one.id);
    if (isPressed || isMarked(part) || ![...focused, ...chosen].every(isKept)) {
        waiting.set(id, html);
        return;
    }
    part.replaceChildren(fresh.content);
    for (const one of chosen) document.getElementById(one.id)[one.matches("option") ? "selected" : "checked"] = true;
    for (const one of focused) document.getElementById(one.id).focus({ preventScroll: true });
}

// Whether some of its text is marked, perhaps to be copied.
function isMarked(part) {
    const selection = getSelection();
    return !selection.isCollapsed && selection.containsNode(part, true);
}

function showWaiting() {
    for (const [id, html] of [...waiting]) show(id, html);
}

function press(event) {
    isPressed = event.type === "pointerdown" && event.isPrimary && event.button === 0;
    if (!isPressed) setTimeout(showWaiting);
}

// Some presses end where no page hears of it: then nothing is pressed any more when the pointer moves.
function letGo(event) {
    if (isPressed && event.buttons === 0) press(event);
}

for (const type of ["pointerdown", "pointerup", "pointercancel", "contextmenu"]) document.addEventListener(type, press);
document.addEventListener("pointermove", letGo);
addEventListener("blur", press);
document.addEventListener("selectionchange", showWaiting);
// Only then is the keyboard where it goes to.
document.addEventListener("focusout", () => setTimeout(showWaiting));

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

const pause = 2000;

function listen() {
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
        // After an answer that is no stream the browser does not.
        if (source.readyState === EventSource.CLOSED) setTimeout(listen, pause);
    });
}

listen();

// Keeps the overview up to date. The page is complete without it.
const parts = ["now", "details"].map((id) => document.getElementById(id));
const note = document.getElementById("live");
const source = new EventSource("/live");

source.addEventListener("message", (event) => {
    const html = JSON.parse(event.data);
    for (const part of parts) part.innerHTML = html[part.id];
    note.textContent = "This page keeps itself up to date.";
    note.className = "aside";
});

source.addEventListener("error", () => {
    note.textContent = "✕ The connection is lost, so what you see may be out of date. It is tried again.";
    note.className = "broken";
});

// Reads a chart's table day by day, by pointer or keyboard. The table is the data: there is no endpoint.
const SVG = "http://www.w3.org/2000/svg";
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7 };

function sentence(headings, row) {
  const cells = [...row.cells].map((cell) => cell.textContent.trim());
  return `${cells[0]}: ${cells.slice(1).map((text, i) => `${headings[i + 1]} ${text}`).join(", ")}`;
}

function bring(box) {
  const output = box.querySelector("output");
  const headings = [...box.querySelectorAll("thead th")].map((th) => th.textContent.trim());
  const rows = [...box.querySelectorAll("tbody tr")];
  const charts = [...box.querySelectorAll("svg.chart")];
  let at = null;

  const cursors = charts.map((chart) => {
    const line = document.createElementNS(SVG, "line");
    line.setAttribute("class", "cursor");
    line.setAttribute("y1", "0");
    line.setAttribute("y2", "100%");
    line.setAttribute("visibility", "hidden");
    chart.append(line);
    return line;
  });

  function show(index) {
    at = index === null ? null : Math.min(Math.max(index, 0), rows.length - 1);
    const x = at === null ? "0" : `${((at + 0.5) * 100) / rows.length}%`;
    for (const line of cursors) {
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
      line.setAttribute("visibility", at === null ? "hidden" : "visible");
    }
    output.textContent = at === null ? "" : sentence(headings, rows[at]);
  }

  output.hidden = false;
  for (const chart of charts) {
    chart.setAttribute("tabindex", "0");
    chart.addEventListener("pointermove", (event) => {
      const { left, width } = chart.getBoundingClientRect();
      show(Math.floor(((event.clientX - left) / width) * rows.length));
    });
    chart.addEventListener("pointerleave", () => show(null));
    chart.addEventListener("keydown", (event) => {
      const next = { Home: 0, End: rows.length - 1, Escape: null }[event.key];
      const step = STEPS[event.key];
      if (step === undefined && next === undefined) return;
      event.preventDefault();
      show(step === undefined ? next : (at ?? (step > 0 ? -1 : rows.length)) + step);
    });
  }
}

for (const box of document.querySelectorAll("[data-chart]")) bring(box);

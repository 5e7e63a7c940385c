"use strict";
// Charts from the JSON beside them, and tables that sort by their head's buttons. No requests of any kind.
(function () {
  const reading = (chart) => JSON.parse(document.getElementById(chart.dataset.figure).textContent);
  const charts = Array.from(document.querySelectorAll(".chart"));
  const quiet = { displayModeBar: false, responsive: true };

  function drawAll() {
    charts.forEach((chart) => {
      const figure = reading(chart);
      window.Plotly.newPlot(chart, figure.data, figure.layout, quiet);
    });
    document.documentElement.dataset.drawn = String(charts.length);
  }

  function compare(a, b) {
    if (a === b) return 0;
    if (a === "" || a === null) return 1; // what is missing goes last
    if (b === "" || b === null) return -1;
    return typeof a === "number" ? a - b : a.localeCompare(b);
  }

  function value(row, column) {
    const cell = row.cells[column];
    if (!("sort" in cell.dataset)) return cell.textContent.trim();
    return cell.dataset.sort === "" ? null : Number(cell.dataset.sort);
  }

  function sort(head, column) {
    const table = head.closest("table");
    const turned = head.getAttribute("aria-sort") === "descending";
    const sign = turned ? 1 : -1;
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", turned ? "ascending" : "descending");
    const keyed = Array.from(table.tBodies[0].rows, (row) => [value(row, column), row]);
    const missing = (key) => key === null || key === "";
    keyed.sort((a, b) => (missing(a[0]) || missing(b[0]) ? compare(a[0], b[0]) : sign * compare(a[0], b[0])));
    table.tBodies[0].append(...keyed.map((pair) => pair[1]));
  }

  document.querySelectorAll("table.sortable thead th").forEach((head) => {
    const column = head.cellIndex;
    head.querySelector("button").addEventListener("click", () => sort(head, column));
  });
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((part) => { part.open = true; });
    charts.forEach((chart) => window.Plotly.relayout(chart, { width: 660 }));
  });
  window.addEventListener("afterprint", () => charts.forEach((chart) => window.Plotly.relayout(chart, { width: null, autosize: true })));
  drawAll();
})();

// The table of cells: a button in each column's head sorts by it, and the search leaves the rows that have all its words.
"use strict";
{
  const body = document.querySelector("#cells tbody"), rows = [...body.rows];
  const value = (row, column, kind) => {
    const cell = row.cells[column], text = cell.dataset.value ?? cell.textContent;
    return kind === "number" ? (text === "" ? Infinity : Number(text)) : text.toLowerCase();
  };
  document.querySelectorAll("#cells thead th").forEach((head, column) => {
    head.firstElementChild.addEventListener("click", (event) => {
      const kind = event.currentTarget.dataset.kind, down = head.getAttribute("aria-sort") === "ascending";
      document.querySelectorAll("#cells thead th").forEach((h) => h.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
      rows.sort((a, b) => order(value(a, column, kind), value(b, column, kind)));
      body.append(...rows);
    });
  });
  document.querySelector("#search").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      row.hidden = !words.every((w) => row.textContent.toLowerCase().includes(w));
      count += !row.hidden;
    }
    document.querySelector("#count").textContent = `${count} cell${count === 1 ? "" : "s"}`;
  });
}

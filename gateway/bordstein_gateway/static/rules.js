// The editor of rule sheets: numbers beside the lines, the Tab key stays free, and a mistake leads to its line.
"use strict";
const text = document.getElementById("text");
if (text) {
  const box = document.createElement("div");
  const numbers = document.createElement("pre");
  box.className = "numbered";
  numbers.setAttribute("aria-hidden", "true");
  text.before(box);
  box.append(numbers, text);
  const count = () => {
    const lines = text.value.split("\n").length;
    numbers.textContent = Array.from({ length: lines }, (_, i) => i + 1).join("\n");
    numbers.scrollTop = text.scrollTop;
  };
  text.addEventListener("input", count);
  text.addEventListener("scroll", () => {
    numbers.scrollTop = text.scrollTop;
  });
  count();
  for (const link of document.querySelectorAll("a[data-line]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const lines = text.value.split("\n");
      const before = lines.slice(0, Number(link.dataset.line) - 1).join("\n");
      const start = before.length + (before ? 1 : 0);
      text.focus();
      text.setSelectionRange(start, start + (lines[Number(link.dataset.line) - 1] || "").length);
      text.scrollTop = (Number(link.dataset.line) - 5) * (text.scrollHeight / lines.length);
    });
  }
}

// On the page of a case: a word on a picture before it is sent, and the board looks for news.
"use strict";
for (const input of document.querySelectorAll('input[type="file"][accept^="image"]')) {
  input.addEventListener("change", () => {
    const file = input.files[0];
    if (!file) return;
    let shown = input.parentElement.querySelector("img.thumb");
    if (!shown) {
      shown = document.createElement("img");
      shown.className = "thumb";
      shown.alt = file.name;
      input.after(shown);
    }
    shown.src = URL.createObjectURL(file);
  });
}
// What is wrong is what to look at first.
document.getElementById("problem")?.scrollIntoView({ block: "center" });

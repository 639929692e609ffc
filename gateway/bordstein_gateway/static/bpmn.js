// A procedure that is drawn already gets a button that opens it in bpmn-js, to move and to zoom.
"use strict";
for (const drawing of document.querySelectorAll("[data-bpmn]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = drawing.dataset.open;
  button.className = "no-print";
  drawing.before(button);
  const box = document.createElement("div");
  box.className = "diagram";
  box.hidden = true;
  drawing.after(box);
  let viewer;
  button.addEventListener("click", async () => {
    const open = box.hidden;
    box.hidden = !open;
    drawing.hidden = open;
    button.textContent = open ? drawing.dataset.close : drawing.dataset.open;
    if (viewer || !open) return;
    viewer = new BpmnJS({ container: box });
    const answer = await fetch(drawing.dataset.bpmn);
    await viewer.importXML(await answer.text());
    const canvas = viewer.get("canvas");
    canvas.zoom("fit-viewport", "auto");
    const registry = viewer.get("elementRegistry");
    for (const state of ["done", "ready", "skipped"]) {
      for (const node of (drawing.dataset[state] || "").split(",")) {
        if (node && registry.get(node)) canvas.addMarker(node, `step-${state}`);
      }
    }
  });
}

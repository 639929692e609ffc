// Puts a map that moves in place of the sketch; without Leaflet or points the sketch stays.
"use strict";
(() => {
  const box = document.getElementById("map");
  if (!box || !window.L) return;
  const colours = { ok: "--good", warning: "--warn", silent: "--bad", case: "--info", off: "--edge" };
  const shapes = {
    warning: (r) => [[0, -1.25 * r], [1.2 * r, r], [-1.2 * r, r]],
    silent: (r) => [[-r, -r], [r, -r], [r, r], [-r, r]],
    case: (r) => [[0, -1.4 * r], [1.4 * r, 0], [0, 1.4 * r], [-1.4 * r, 0]],
  };
  // The same signs as in the sketch: nobody needs the colour.
  const Sign = L.CircleMarker.extend({
    _updatePath() {
      const renderer = this._renderer;
      const corners = shapes[this.options.kind];
      if (!renderer._drawing || this._empty()) return;
      const context = renderer._ctx;
      const { x, y } = this._point;
      const r = this._radius;
      context.beginPath();
      if (corners) {
        corners(r).forEach(([left, top], at) => context[at ? "lineTo" : "moveTo"](x + left, y + top));
        context.closePath();
      } else if (this.options.kind === "off") {
        for (const [a, b] of [[-r, -r], [-r, r]]) {
          context.moveTo(x + a, y + b);
          context.lineTo(x - a, y - b);
        }
      } else context.arc(x, y, r, 0, 2 * Math.PI);
      renderer._fillStroke(context, this);
    },
  });
  const text = (tag, words) => Object.assign(document.createElement(tag), { textContent: words });
  const popup = (about) => {
    const found = document.createElement("div");
    found.append(text("strong", about.name), text("p", [about.state, ...about.reasons].join(": ")));
    for (const value of about.values) found.append(text("div", value));
    found.append(Object.assign(text("a", box.dataset.more), { href: about.url }));
    return found;
  };
  const show = (points) => {
    if (!points.features.length) return;
    box.replaceChildren();
    box.classList.remove("sketched");
    const map = L.map(box, { preferCanvas: true, zoomControl: false, attributionControl: !!box.dataset.tiles });
    box.setAttribute("role", "application");
    box.setAttribute("aria-label", box.dataset.label);
    L.control.zoom({ zoomInTitle: box.dataset.in, zoomOutTitle: box.dataset.out }).addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    if (box.dataset.tiles) {
      map.attributionControl.setPrefix(false);
      const attribution = text("span", box.dataset.attribution).outerHTML;
      L.tileLayer(box.dataset.tiles, { attribution, maxZoom: Number(box.dataset.maxZoom) }).addTo(map);
    }
    const style = getComputedStyle(document.documentElement);
    const bounds = L.latLngBounds([]);
    const order = ["off", "ok", "warning", "silent", "case"];
    points.features.sort((a, b) => order.indexOf(a.properties.kind) - order.indexOf(b.properties.kind));
    for (const { geometry, properties } of points.features) {
      const at = L.latLng(geometry.coordinates[1], geometry.coordinates[0]);
      const fillColor = style.getPropertyValue(colours[properties.kind] || "--good").trim();
      const color = properties.kind === "off" ? fillColor : style.getPropertyValue("--card").trim();
      new Sign(at, { kind: properties.kind, radius: 7, weight: 2, color, fillColor, fillOpacity: 1 })
        .bindPopup(() => popup(properties)).bindTooltip(text("span", properties.name)).addTo(map);
      bounds.extend(at);
    }
    map.fitBounds(bounds, { padding: [30, 30], maxZoom: 16 });
  };
  fetch(box.dataset.points, { headers: { accept: "application/geo+json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
    .then(show)
    .catch(() => {});
})();

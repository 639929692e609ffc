// Puts a plot to zoom and read off in place of a drawing, once it is in sight; the drawing stays for print.
"use strict";
(() => {
  const figures = document.querySelectorAll("figure[data-plot]");
  if (!figures.length || !window.uPlot) return;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const draw = (figure, data) => {
    const { symbol, decimals, zone, lang, mean, least, most, time, yes, no } = figure.dataset;
    const places = Number(decimals);
    const written = new Intl.NumberFormat(lang, { minimumFractionDigits: places, maximumFractionDigits: places });
    const moment = new Intl.DateTimeFormat(lang, { timeZone: zone, dateStyle: "short", timeStyle: "short" });
    const yesOrNo = "steps" in figure.dataset && !symbol;
    const said = (number) => (yesOrNo ? (number ? yes : no) : `${written.format(number)} ${symbol}`);
    const value = (_, number) => (number === null || number === undefined ? "–" : said(number));
    const tzDate = (at) => uPlot.tzDate(new Date(at * 1000), zone);
    const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") } };
    const box = figure.querySelector(".drawing");
    const target = document.createElement("div");
    target.className = "plot no-print";
    const paths = "steps" in figure.dataset ? uPlot.paths.stepped({ align: 1 }) : undefined;
    const size = () => ({ width: figure.clientWidth, height: 260 });
    const accent = css("--accent");
    const thin = { stroke: "transparent", points: { show: false }, value };
    const shade = (plot) => {
      plot.ctx.save();
      plot.ctx.fillStyle = css("--idle-tint");
      for (const [from, to] of data.gaps) {
        const left = Math.max(plot.valToPos(from, "x", true), plot.bbox.left);
        const right = Math.min(plot.valToPos(to, "x", true), plot.bbox.left + plot.bbox.width);
        if (right > left) plot.ctx.fillRect(left, plot.bbox.top, right - left, plot.bbox.height);
      }
      plot.ctx.restore();
    };
    const banded = "band" in figure.dataset;
    const plot = new uPlot({
      ...size(),
      tzDate,
      scales: { x: { min: data.begin, max: data.end } },
      series: [
        { label: time, value: (_, at) => (at ? moment.format(new Date(at * 1000)) : "–") },
        { label: mean, stroke: accent, width: 2, paths, value },
        ...(banded ? [{ label: most, ...thin }, { label: least, ...thin }] : []),
      ],
      bands: banded ? [{ series: [2, 3], fill: `${accent}38` }] : [],
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((at) => {
          const day = tzDate(at);
          const midnight = day.getHours() === 0 && day.getMinutes() === 0;
          return midnight ? day.toLocaleDateString(lang, { day: "numeric", month: "numeric" })
            : day.toLocaleTimeString(lang, { hour: "2-digit", minute: "2-digit" });
        }) },
        { ...axis, size: 64, ...(yesOrNo ? { splits: () => [0, 1] } : {}),
          values: (_, ticks) => ticks.map((tick) => (yesOrNo ? [no, yes][tick] : tick.toLocaleString(lang))) },
      ],
      hooks: { drawClear: [shade] },
    }, [data.times, data.values, ...(banded ? [data.most, data.least] : [])], target);
    box.classList.add("only-print");
    box.after(target);
    addEventListener("resize", () => plot.setSize(size()));
  };
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      fetch(target.dataset.plot)
        .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
        .then((data) => { if (data.times.length > 1) draw(target, data); })
        .catch(() => {});
    }
  }, { rootMargin: "200px" });
  figures.forEach((figure) => seen.observe(figure));
})();

// What scripts add: charts, a flash where a live value changed, and keys on the tape.
// Everything reads without them.
"use strict";

(() => {
  const root = getComputedStyle(document.documentElement);
  const colour = (name) => root.getPropertyValue(name).trim();
  const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
  const SIZES = [[1e9, " G"], [1e6, " M"], [1e3, " k"]];

  const scaled = (value, unit) => {
    for (const [size, prefix] of SIZES) {
      if (Math.abs(value) >= size) return `${+(value / size).toPrecision(3)}${prefix}${unit}`;
    }
    return `${+value.toPrecision(3)} ${unit}`;
  };
  const written = (value, unit) => {
    if (value === null || value === undefined) return "";
    if (unit === "bit/s") return scaled(value, unit);
    if (unit === "ms") return `${+value.toFixed(2)} ms`;
    return `${+(value * 100).toPrecision(3)} %`;
  };

  // The contract's line with its label, and the last value at the end of the line.
  const annotate = (data) => (u) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * ratio}px Inter, system-ui, sans-serif`;
    ctx.textBaseline = "bottom";
    if (data.limit !== null) {
      const y = Math.round(u.valToPos(data.limit, "y", true));
      ctx.strokeStyle = colour("--risk");
      ctx.fillStyle = colour("--risk");
      ctx.lineWidth = ratio;
      ctx.setLineDash([4 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.textAlign = "left";
      ctx.fillText(`contract: ${data.limitLabel || written(data.limit, data.unit)}`, bbox.left + 4 * ratio, y - 2 * ratio);
    }
    let last = null;
    for (const line of data.lines) {
      for (let i = line.values.length - 1; i >= 0; i--) {
        if (line.values[i] === null) continue;
        if (last === null || line.values[i] > last.value) last = { at: data.starts[i], value: line.values[i] };
        break;
      }
    }
    if (last !== null) {
      ctx.fillStyle = colour("--ink");
      const x = u.valToPos(last.at, "x", true);
      const text = written(last.value, data.unit);
      const fits = x + ctx.measureText(text).width + 6 * ratio < bbox.left + bbox.width;
      ctx.textAlign = fits ? "left" : "right";
      ctx.textBaseline = fits ? "middle" : "bottom";
      ctx.fillText(text, fits ? x + 6 * ratio : bbox.left + bbox.width - 2 * ratio, u.valToPos(last.value, "y", true) - (fits ? 0 : 4 * ratio));
    }
    ctx.restore();
  };

  const draw = (box) => {
    const data = JSON.parse(box.dataset.chart);
    const lines = data.lines.map((line, i) => ({
      label: line.name, stroke: colour("--ink"), width: 1, dash: DASHES[i % DASHES.length],
      points: { show: false }, spanGaps: false,
    }));
    const top = Math.max(data.limit ?? 0, ...data.high.filter((v) => v !== null), ...data.lines.flatMap((l) => l.values.filter((v) => v !== null)));
    const axis = { stroke: colour("--quiet"), font: "11px Inter, system-ui, sans-serif", grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
    box.replaceChildren();
    // As the tape above: 72 of 1,076 parts for labels, 4 parts free at the right: one time axis.
    const part = box.clientWidth / 1076;
    box.plot = new uPlot({
      width: box.clientWidth, height: 132, padding: [14, 4 * part, 0, 0], legend: { show: false },
      cursor: { sync: { key: "circuit" }, y: false, points: { size: 5 }, drag: { x: true, y: false } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.zone),
      scales: { x: { range: (_, low, high) => [Number(box.dataset.from || low), Number(box.dataset.to || high)] }, y: { range: [0, top > 0 ? top * 1.12 : 1] } },
      series: [{}, ...lines,
        { label: "low", stroke: "transparent", width: 0, points: { show: false } },
        { label: "high", stroke: "transparent", width: 0, points: { show: false } }],
      bands: [{ series: [lines.length + 2, lines.length + 1], fill: `${colour("--line")}55` }],
      axes: [{ ...axis, size: 24, values: clock(data.zone) },
        { ...axis, size: 72 * Math.max(part, 0.9), space: 28, values: (_, ticks) => ticks.map((v) => written(v, data.unit)) }],
      hooks: { draw: [annotate(data)] },
    }, [data.starts, ...data.lines.map((l) => l.values), data.low, data.high], box);
  };

  // Ticks as on the tape: "9 Oct" for days, "14:30" within one.
  const clock = (zone) => (u, ticks) => {
    const short = ticks.length > 1 && ticks[1] - ticks[0] < 86400;
    const format = new Intl.DateTimeFormat("en-GB", short
      ? { timeZone: zone, hour: "2-digit", minute: "2-digit" }
      : { timeZone: zone, day: "numeric", month: "short" });
    const { min, max } = u.scales.x;
    const late = max - (max - min) * 0.03; // a label there would be cut off
    return ticks.map((second) => (second > late ? "" : format.format(second * 1000)));
  };

  const charts = (within) => {
    if (!window.uPlot) return;
    for (const box of within.querySelectorAll("[data-chart]")) draw(box);
  };

  const tapes = (within) => {
    for (const svg of within.querySelectorAll(".tape-box svg")) {
      for (const mark of svg.querySelectorAll(".tape-down")) {
        mark.setAttribute("tabindex", "-1");
        const zoom = () => {
          const room = Math.max(600, Math.round((mark.dataset.end - mark.dataset.start) / 2));
          const here = new URL(location.href);
          const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(".000", "");
          here.searchParams.set("from", iso(Number(mark.dataset.start) - room));
          here.searchParams.set("to", iso(Number(mark.dataset.end) + room));
          location.assign(here);
        };
        mark.addEventListener("click", zoom);
        mark.addEventListener("keydown", (event) => { if (event.key === "Enter") zoom(); });
      }
    }
    for (const box of within.querySelectorAll(".tape-box")) {
      box.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const marks = [...box.querySelectorAll(".tape-row:first-of-type .tape-down, .tape-down")];
        if (!step || !marks.length) return;
        event.preventDefault();
        const at = marks.indexOf(document.activeElement);
        marks[(at + step + marks.length) % marks.length].focus();
      });
    }
  };

  const values = () => new Map([...document.querySelectorAll("[data-key]")].map((e) => [e.dataset.key, e.textContent.trim()]));
  let before = new Map();

  const start = () => {
    charts(document);
    tapes(document);
    let waiting = 0;
    addEventListener("resize", () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => {
        for (const box of document.querySelectorAll("[data-chart]")) box.plot?.setSize({ width: box.clientWidth, height: 132 });
      });
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts(document));
    document.fonts?.ready.then(() => { for (const box of document.querySelectorAll("[data-chart]")) box.plot?.redraw(false); });
    document.body.addEventListener("htmx:beforeSwap", (event) => {
      // An ended session answers with the sign-in page: go there instead of putting it in a panel.
      if (event.detail.xhr.responseURL.includes("/sign-in")) { event.detail.shouldSwap = false; location.reload(); return; }
      before = values();
      // What the reader opened stays open.
      for (const open of event.detail.target.querySelectorAll("details[open] > summary")) keepOpen.add(open.textContent);
    });
    document.body.addEventListener("htmx:afterSettle", (event) => {
      const now = document.getElementById(event.detail.elt.id) ?? document;
      charts(now);
      tapes(now);
      for (const summary of now.querySelectorAll("details > summary")) {
        if (keepOpen.has(summary.textContent)) summary.parentElement.open = true;
      }
      keepOpen.clear();
      for (const element of now.querySelectorAll("[data-key]")) {
        const was = before.get(element.dataset.key);
        if (was !== undefined && was !== element.textContent.trim()) element.classList.add("flash");
      }
    });
  };
  const keepOpen = new Set();

  // While the page is cut off from the node nothing on it is of now, and it says so; when it is not
  // any more, what has changed meanwhile was told to nobody: all parts are fetched again.
  const cutOff = document.getElementById("cut-off");
  const instant = (zone) => new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short",
  }).format(new Date());
  document.addEventListener("htmx:sseError", () => {
    if (!cutOff || !cutOff.hidden) return;
    cutOff.querySelector("time").textContent = instant(cutOff.dataset.zone);
    cutOff.hidden = false;
    document.body.classList.add("is-cut-off");
  });
  document.addEventListener("htmx:sseOpen", () => {
    if (!cutOff || cutOff.hidden) return;
    cutOff.hidden = true;
    document.body.classList.remove("is-cut-off");
    for (const part of document.querySelectorAll('[hx-trigger*="sse:changed"]')) htmx.trigger(part, "sse:changed");
  });

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();

// The rate over time, drawn by uPlot from the data that the page has, instead of its outline.
const live = document.getElementById("live");
const dark = matchMedia("(prefers-color-scheme: dark)");
let chart;

function draw() {
  chart?.destroy();
  chart = undefined;
  const figure = live.querySelector(".chart");
  if (!figure || !window.uPlot) return;
  const style = getComputedStyle(figure);
  const [line, ink, grid] = ["--accent", "--dim", "--line"].map((name) => resolved(figure, name));
  const axis = { stroke: ink, font: `11px ${style.fontFamily}`, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  const data = JSON.parse(figure.querySelector("script").textContent);
  const [times] = data;
  const isLong = times.at(-1) - times[0] > 900; // seconds
  const options = {
    ...size(figure),
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false } },
    scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.1, 1e-3)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 70, values: isLong ? "{HH}:{mm}" : "{HH}:{mm}:{ss}", size: 26 },
      { ...axis, size: 44, space: 34 },
    ],
    series: [
      {},
      { stroke: line, fill: `color-mix(in srgb, ${line} 16%, transparent)`, width: 1.5, points: { show: false },
        paths: uPlot.paths.stepped({ align: 1 }), label: figure.dataset.label },
    ],
  };
  figure.querySelector("svg").setAttribute("hidden", ""); // an SVG has no property for it
  const place = document.createElement("div");
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", figure.querySelector("svg").getAttribute("aria-label"));
  figure.prepend(place);
  chart = new uPlot(options, data, place);
}

/** Return a colour as it is in the present theme: a canvas knows no custom properties. */
function resolved(element, name) {
  const probe = document.createElement("i");
  probe.className = "probe";
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function size(figure) {
  return { width: Math.max(200, figure.clientWidth), height: 150 };
}

new ResizeObserver(() => {
  const figure = live.querySelector(".chart");
  if (chart && figure) chart.setSize(size(figure));
}).observe(live);
dark.addEventListener("change", draw);
live.addEventListener("renewed", draw);
draw();

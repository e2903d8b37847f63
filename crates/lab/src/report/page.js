// Reads the curves out: where the pointer is, or step by step with the arrow keys; all charts of a scenario together.
// Without this script the page lacks only that, and the switch between light and dark.
"use strict";

const theme = document.getElementById("theme");
theme.hidden = false;
theme.addEventListener("click", () => {
  const root = document.documentElement;
  const chosen = root.style.colorScheme;
  const isDark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.style.colorScheme = isDark ? "light" : "dark";
});

// The value nearest to a time, at most a second away; lines may begin and end at different times.
function nearest(values, at) {
  const distance = ([time]) => Math.abs(time - at);
  const best = values.reduce((best, value) => (distance(value) < distance(best) ? value : best));
  return distance(best) <= 1 ? best[1] : null;
}

for (const section of document.querySelectorAll("section")) {
  const charts = [...section.querySelectorAll("figure svg")].map((svg) => ({
    svg,
    output: svg.parentElement.querySelector("output"),
    cursor: svg.querySelector(".cursor"),
    left: Number(svg.dataset.left),
    right: Number(svg.dataset.right),
    end: Number(svg.dataset.end),
    lines: [...svg.querySelectorAll("[data-values]")]
      .map((path) => ({ label: path.dataset.label, values: path.dataset.values }))
      .filter(({ values }) => values)
      .map(({ label, values }) => ({ label, values: values.split(" ").map((pair) => pair.split(":").map(Number)) })),
  }));
  const end = Math.max(0, ...charts.map((chart) => chart.end));
  let at = null;

  function show(time) {
    at = time === null ? null : Math.round(Math.min(end, Math.max(0, time)));
    for (const { svg, output, cursor, left, right, end, lines } of charts) {
      const isIn = at !== null && at <= end;
      cursor.style.visibility = isIn ? "visible" : "hidden";
      cursor.setAttribute("transform", `translate(${left + ((right - left) * (at ?? 0)) / end} 0)`);
      const values = lines.map(({ label, values }) => `${label} ${nearest(values, at) ?? "–"}`);
      // One voice is enough: the chart that has the keyboard.
      output.setAttribute("aria-live", svg === document.activeElement ? "polite" : "off");
      output.textContent = isIn ? `${at} s: ${values.join(" · ")}` : "";
    }
  }

  for (const { svg, left, right, end } of charts) {
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      show(((x - left) / (right - left)) * end);
    });
    svg.addEventListener("pointerleave", () => show(null));
    svg.addEventListener("blur", () => show(null));
    svg.addEventListener("keydown", (event) => {
      const times = { ArrowLeft: (at ?? end + 1) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: end, Escape: null };
      if (!(event.key in times)) return;
      event.preventDefault();
      show(times[event.key]);
    });
  }
}

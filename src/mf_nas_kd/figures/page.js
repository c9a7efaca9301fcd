// Draws the charts of the page with plotly.js, which is part of the page. Until then, and on paper, still pictures stand.
(async () => {
  "use strict";
  const packed = document.getElementById("plotly");
  if (!packed || !window.DecompressionStream) return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 44rem)");
  const touched = matchMedia("(pointer: coarse)");

  async function loadPlotly() {
    const bytes = Uint8Array.from(atob(packed.textContent.trim()), (character) => character.charCodeAt(0));
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(unpacked).text();
    document.head.append(script);
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  function element(tag, text) {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  }

  function layoutOf(chart) {
    const layout = { ...chart.layout, ...(narrow.matches ? chart.narrow : {}) };
    for (const axis of Object.keys(layout).filter((name) => /^[xy]axis/.test(name))) {
      layout[axis] = {
        automargin: true, gridcolor: colour("line"), linecolor: colour("soft"), zerolinecolor: colour("soft"),
        showline: true, fixedrange: touched.matches, ...layout[axis],
        title: { font: { size: narrow.matches ? 11 : 13 }, ...layout[axis].title },
      };
    }
    return {
      height: narrow.matches ? chart.narrow_height : chart.height,
      margin: { l: 20, r: 12, t: 30, b: 20 },
      paper_bgcolor: "transparent", plot_bgcolor: "transparent", hovermode: "closest", hoverdistance: 14,
      font: { color: colour("ink"), family: getComputedStyle(document.body).fontFamily, size: narrow.matches ? 11 : 13 },
      hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("soft"), font: { color: colour("ink"), family: getComputedStyle(document.body).fontFamily, size: 13 }, align: "left" },
      legend: { orientation: "h", x: 0, xanchor: "left", y: 0, yref: "container", yanchor: "bottom" },
      dragmode: touched.matches ? false : "zoom",
      ...layout,
    };
  }

  async function draw(place) {
    const text = document.getElementById(`${place.id}-data`).textContent;
    const chart = JSON.parse(text.replaceAll("@ink", colour("ink")).replaceAll("#0072B2", colour("blue")));
    place.hidden = false;
    place.closest("figure").classList.add("drawn");
    await Plotly.react(place, chart.traces, layoutOf(chart), { responsive: true, displayModeBar: false });
  }

  function followSlider() {
    const box = document.getElementById("cost-limit");
    if (!box) return () => {};
    const limits = JSON.parse(document.getElementById("cost-limit-data").textContent);
    const slider = box.querySelector("input"), shown = box.querySelector("output"), answer = box.querySelector("p");
    const [lowest, highest] = [limits[0].macs, limits.at(-1).macs].map(Math.log);
    const chart = document.getElementById("pareto_picture-chart");
    const show = () => {
      const share = Number(slider.value) / Number(slider.max);
      const wanted = Math.exp(lowest + share * (highest - lowest) * 1.02);
      const chosen = limits.findLast((each) => each.macs <= wanted * 1.000001);
      const limit = Math.max(chosen.macs, Number(wanted.toPrecision(3)));
      shown.textContent = `${limit.toLocaleString("en")} MACs`;
      const name = element("b", chosen.name);
      const command = element("code", `kedro run --params=search.max_macs=${limit}`);
      const next = chosen.is_winner ? ["It is the network that is delivered."] : ["To search within this limit: ", command];
      answer.replaceChildren(name, `, ${chosen.text}. `, ...next);
      slider.setAttribute("aria-valuetext", `${shown.textContent}: ${chosen.name}`);
      const ring = chart.data.findIndex((trace) => trace.meta === "chosen");
      Plotly.restyle(chart, { x: [[chosen.macs]], y: [[chosen.value]] }, [ring]);
      Plotly.relayout(chart, { shapes: [{ type: "line", x0: limit, x1: limit, yref: "paper", y0: 0, y1: 1, line: { color: colour("accent"), dash: "dot", width: 1.5 } }] });
    };
    const delivered = limits.find((each) => each.is_winner) ?? limits.at(-1);
    slider.value = Math.ceil(Number(slider.max) * (Math.log(delivered.macs) - lowest) / (highest - lowest) / 1.02);
    slider.addEventListener("input", show);
    box.hidden = false;
    return show;
  }

  await loadPlotly();
  const places = [...document.querySelectorAll(".chart")];
  let show = () => {};
  const drawAll = async () => {
    for (const place of places) await draw(place);
    show();
  };
  await drawAll();
  show = followSlider();
  show();
  dark.addEventListener("change", drawAll);
  narrow.addEventListener("change", drawAll);
  document.documentElement.classList.add("interactive");
})();

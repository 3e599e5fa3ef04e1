"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const PAGE = 20;
const grouping = new Intl.NumberFormat();
const shown = (value) => grouping.format(BigInt(value));
const isoDay = (day) => new Date(day * 864e5).toISOString().slice(0, 10);
const isoTime = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC";
let printing = false;

// An element with attributes and children. Texts become text nodes, so nothing that users wrote is read as HTML.
function make(name, attributes = {}, ...children) {
  const isDrawn = ["svg", "rect", "line", "text", "title"].includes(name);
  const made = isDrawn ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function redraw(found) {
  found.forEach((one) => one.dispatchEvent(new Event("redraw")));
}

// Part of the longest value, from 0 to 1. Values may be beyond what numbers of JavaScript hold exactly.
function part(value, longest) {
  return longest > 0n ? Math.max(0, Number((BigInt(value) * 10000n) / longest) / 10000) : 0;
}

function longestOf(values) {
  return values.reduce((longest, one) => (BigInt(one) > longest ? BigInt(one) : longest), 0n);
}

function bar(value, longest) {
  const width = part(value, longest) * 100;
  const svg = make("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(make("rect", { x: 0, y: 0, width, height: 10 }));
  return svg;
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// A table with columns {title, of, kind, view}: `of` gives the value of a row to sort by, `view` what is shown.
// The kind "number" is a whole number, "bar" a number drawn as a bar, which is not read out, "word" a word that is never
// broken, and null any text. The filter looks at words and texts.
function table(caption, columns, rows, options = {}) {
  let found = rows;
  let page = 0;
  let order = options.order ?? null;
  let falling = options.falling ?? false;
  const longest = columns.map((column) => (column.kind === "bar" ? longestOf(rows.map(column.of)) : 0n));
  const body = make("tbody");
  const position = make("span", { role: "status" });
  const back = make("button", { type: "button", onclick: () => turn(-1) }, "Previous");
  const forth = make("button", { type: "button", onclick: () => turn(1) }, "Next");
  const heads = columns.map((column, place) => {
    if (column.kind === "bar") return make("td", { "aria-hidden": "true" });
    const head = make("th", { scope: "col", class: column.kind });
    const mark = make("span", { "aria-hidden": "true" });
    const click = () => {
      falling = order === place ? !falling : column.kind === "number";
      order = place;
      arrange();
    };
    head.append(make("button", { type: "button", class: "plain", onclick: click }, column.title, mark));
    return head;
  });
  const filter = make("input", { type: "search", oninput: () => search(), "aria-label": `Filter: ${caption}` });
  filter.placeholder = "Filter";

  function search() {
    const words = filter.value.toLowerCase().split(" ").filter(Boolean);
    found = rows.filter((row) => {
      const text = columns.map((column) => (column.kind === "number" || column.kind === "bar" ? "" : column.of(row))).join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    page = 0;
    arrange();
  }

  function turn(step) {
    page += step;
    draw();
  }

  function arrange() {
    if (order !== null) {
      const of = columns[order].of;
      const key = columns[order].kind === "number" ? (row) => BigInt(of(row)) : of;
      const sorted = found.map((row) => [key(row), row]).sort((a, b) => (falling ? compare(b[0], a[0]) : compare(a[0], b[0])));
      found = sorted.map((one) => one[1]);
    }
    heads.forEach((head, place) => {
      if (columns[place].kind === "bar") return;
      const isOrder = place === order;
      if (isOrder) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      head.querySelector("span").textContent = isOrder ? (falling ? " ▼" : " ▲") : "";
    });
    draw();
  }

  function draw() {
    const size = printing ? 1000 : PAGE;
    const pages = Math.max(1, Math.ceil(found.length / size));
    page = Math.min(page, pages - 1);
    body.replaceChildren(...found.slice(page * size, (page + 1) * size).map((row) => {
      const made = make("tr", { "aria-current": options.isCurrent?.(row) ? "true" : null });
      columns.forEach((column, place) => {
        const value = column.of(row);
        if (column.kind === "bar") made.append(make("td", { class: "bar", "aria-hidden": "true" }, bar(value, longest[place])));
        else made.append(make("td", { class: column.kind }, column.view ? column.view(row) : column.kind === "number" ? shown(value) : value));
      });
      return made;
    }));
    back.disabled = page === 0;
    forth.disabled = page >= pages - 1;
    const first = found.length ? page * size + 1 : 0;
    const last = Math.min((page + 1) * size, found.length);
    position.textContent = `${shown(first)} to ${shown(last)} of ${shown(found.length)}`;
  }

  const tools = make("div", { class: "tools" });
  if (rows.length > 8) tools.append(filter);
  if (rows.length > PAGE) tools.append(back, forth);
  if (rows.length > 8) tools.append(position);
  const drawn = make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...heads)), body);
  arrange();
  drawn.addEventListener("redraw", draw);
  return make("div", {}, tools, make("div", { class: "scroll" }, drawn));
}

// The columns of days. Arrow keys move through them, and the status line reads out the chosen one.
function dayChart(name, days) {
  const WIDTH = 800, HEIGHT = 220, LEFT = 8, TOP = 32, BOTTOM = 32;
  const first = days[0][0], last = Math.max(days[days.length - 1][0], first + 6);
  const amounts = new Map(days);
  const longest = longestOf(days.map((one) => one[1]));
  const step = (WIDTH - 2 * LEFT) / (last - first + 1);
  const label = `${name} per day, ${isoDay(first)} to ${isoDay(last)}: the largest day has ${shown(longest)}. Arrow keys move.`;
  const svg = make("svg", { class: "days", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0, "aria-label": label });
  const status = make("p", { role: "status", class: "note" }, `Largest day: ${shown(longest)}`);
  const bars = new Map();
  let chosen = last + 1;
  const choose = (day) => {
    bars.get(chosen)?.classList.remove("chosen");
    chosen = Math.min(last, Math.max(first, day));
    bars.get(chosen)?.classList.add("chosen");
    status.textContent = `${isoDay(chosen)}: ${shown(amounts.get(chosen) ?? 0)}`;
  };
  svg.append(make("line", { x1: LEFT, x2: WIDTH - LEFT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }));
  svg.append(make("line", { x1: LEFT, x2: WIDTH - LEFT, y1: TOP, y2: TOP }));
  svg.append(make("text", { x: LEFT, y: TOP - 8 }, shown(longest)));
  svg.append(make("text", { x: LEFT, y: HEIGHT - 10 }, isoDay(first)));
  svg.append(make("text", { x: WIDTH - LEFT, y: HEIGHT - 10, "text-anchor": "end" }, isoDay(last)));
  for (const [day, amount] of days) {
    const height = Math.max(1, part(amount, longest) * (HEIGHT - TOP - BOTTOM));
    const width = Math.max(0.5, step - (step > 4 ? 1.5 : 0));
    const rect = make("rect", { x: LEFT + (day - first) * step, y: HEIGHT - BOTTOM - height, width, height });
    rect.append(make("title", {}, `${isoDay(day)}: ${shown(amount)}`));
    bars.set(day, rect);
    svg.append(rect);
  }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    choose(first + Math.floor((((event.clientX - box.left) / box.width) * WIDTH - LEFT) / step));
  });
  svg.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: first, End: last };
    if (!(event.key in moves)) return;
    event.preventDefault();
    choose(moves[event.key]);
  });
  const columns = [{ title: "Day", of: (row) => isoDay(row[0]) }, { title: "Amount", kind: "number", of: (row) => row[1] }];
  const behind = make("details", {}, make("summary", {}, "The days as a table"), table("Per day", columns, days, { order: 0, falling: true }));
  return make("div", {}, make("h3", {}, "Per day"), svg, status, behind);
}

const anchor = (one) => `#${encodeURIComponent(`${one.type}:${one.name}`)}`;
const spelled = (labels) => Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(", ");
const valueColumns = (of) => [{ title: "Value", kind: "number", of }, { title: "", kind: "bar", of }];
const byValue = { order: 1, falling: true };

function about(place) {
  const one = data.counters[place];
  document.querySelector("#counter h2").textContent = one.name;
  const facts = [`${one.type}, value ${shown(one.value)}`, `${shown(one.series)} series`];
  for (const [key, value] of Object.entries(one.figures ?? {})) {
    facts.push(`${/^[0-9.]+$/.test(key) ? "quantile " : ""}${key}: ${value ?? "none"}`);
  }
  document.getElementById("facts").textContent = facts.join(" · ");
  const parts = document.getElementById("parts");
  parts.replaceChildren();
  if (one.days.length) parts.append(dayChart(one.name, one.days));
  const two = make("div", { class: "two" });
  for (const [key, rows] of Object.entries(one.labels)) {
    const columns = [{ title: key, of: (row) => row[0], view: (row) => row[0] || "without" }, ...valueColumns((row) => row[1])];
    two.append(table(`By ${key}`, columns, rows, byValue));
  }
  const shares = Object.entries(one.shares);
  two.append(table("By replica", [{ title: "Replica", of: (row) => row[0] }, ...valueColumns((row) => row[1])], shares, byValue));
  parts.append(two);
  if (one.series > 1) {
    const rows = data.series.filter((row) => row[0] === place);
    const columns = [{ title: "Labels", of: (row) => spelled(row[1]) || "none" }, ...valueColumns((row) => row[2])];
    parts.append(table("Series", columns, rows, byValue));
  }
}

function start() {
  const counters = data.counters.map((one, place) => ({ ...one, place }));
  const richest = counters.toSorted((a, b) => b.days.length - a.days.length || b.series - a.series)[0];
  let current = richest?.place ?? null;
  document.getElementById("made").textContent = `As of ${isoTime(data.made)}`;
  const summary = [["counter", counters.length], ["replica", data.replicas.length], ["remote", data.remotes.length]];
  const items = summary.map(([noun, count]) => make("li", {}, make("b", {}, shown(count)), `${noun}${count === 1 ? "" : "s"}`));
  items.splice(1, 0, make("li", {}, make("b", {}, shown(data.series.length)), "series"));
  document.getElementById("summary").append(...items);

  const choose = (place, { isFollowed }) => {
    current = place;
    about(place);
    redraw(totals);
    history.replaceState(null, "", anchor(data.counters[place]));
    if (isFollowed) document.querySelector("#counter h2").focus();
  };
  const name = (row) => make("button", { type: "button", class: "plain", onclick: () => choose(row.place, { isFollowed: true }) }, row.name);
  const columns = [
    { title: "Counter", of: (row) => row.name, view: name },
    { title: "Type", kind: "word", of: (row) => row.type },
    { title: "Series", kind: "number", of: (row) => row.series },
    ...valueColumns((row) => row.value),
  ];
  document.getElementById("counters").append(table("Counters", columns, counters, { order: 3, falling: true, isCurrent: (row) => row.place === current }));
  const linked = counters.find((one) => anchor(one) === location.hash);
  if (linked) current = linked.place;
  const totals = document.querySelectorAll("#counters table");
  if (current === null) document.getElementById("counter").hidden = true;
  else {
    about(current);
    redraw(totals);
  }
  const known = [
    { title: "Replica", of: (row) => row.replica },
    { title: "Last heard", of: (row) => (row.own ? "this replica" : row.heard ?? "never") },
    { title: "Commits", kind: "number", of: (row) => row.commits },
  ];
  document.getElementById("replicas").append(table("Known replicas", known, data.replicas));
  const remotes = [
    { title: "Remote", of: (row) => row.remote },
    { title: "Last sync", of: (row) => row.last ?? "none yet" },
    { title: "Failures since", kind: "number", of: (row) => row.failures },
    { title: "Last error", of: (row) => row.error ?? "" },
  ];
  if (data.remotes.length) document.getElementById("remotes").append(table("Remotes of this replica", remotes, data.remotes));
  else document.getElementById("remotes").hidden = true;
  document.getElementById("theme").addEventListener("change", (event) => {
    document.documentElement.dataset.theme = event.target.value;
  });
  const print = (isNow) => {
    printing = isNow;
    redraw(document.querySelectorAll("table"));
    document.querySelectorAll("details").forEach((one) => { one.open = isNow; });
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}

start();

"use strict";
window.ASFT = window.ASFT || {};
// The filters and the list of questions that pass them.
(() => {
  const { el, fill, nameOfAll } = ASFT.dom;
  const { scores } = ASFT;
  const ORDERS = [
    ["", "as asked"],
    ["low", "lowest first"],
    ["high", "highest first"],
    ["spread", "widest spread"],
  ];
  const at = (id) => document.getElementById(id);

  function fillFilters(index, state, choice, tally) {
    const people = scores.whose(index).map((each) => [each.key, nameOfAll(each, index)]);
    const categories = [...new Set(index.categories)].sort();
    fill(at("b"), ASFT.store.names.map((name) => [name, name]), index.benchmark);
    fill(at("c"), [["", "all"], ...categories.map((c) => ["=" + c, c || "none"])], state.c);
    fill(at("m"), people, choice.method.key);
    const others = people.filter(([key]) => key !== choice.method.key);
    fill(at("v"), [["", "nobody"], ...others], state.v);
    const measures = index.measures.map((each) => [each.name, each.label]);
    fill(at("s"), measures, index.measures[choice.measure].name);
    const counted = tally.map(([key, label, n]) => [key, `${label} (${n})`]);
    fill(at("o"), [["", "all"], ...counted], state.o);
    fill(at("r"), ORDERS, state.r);
    if (at("t") !== document.activeElement) at("t").value = state.t;
  }

  // Question numbers that pass category and text, in the order asked.
  async function found(index, state, progress) {
    const words = state.t.toLowerCase().split(/\s+/).filter(Boolean);
    const texts = words.length ? await ASFT.store.haystack(index, progress) : null;
    return index.ids
      .map((_, i) => i)
      .filter((i) => !state.c || "=" + index.categories[i] === state.c)
      .filter((i) => !texts || words.every((word) => texts[i].includes(word)));
  }

  // The numbers that pass all filters, in order, and how many each outcome would leave.
  function passing(index, state, choice, shown, numbers) {
    const column = scores.values(index, choice);
    const flags = scores.flags(index, choice);
    const outcomes = scores.outcomes(index, choice);
    const tally = outcomes.map(([key, label, test]) => [
      key,
      label,
      numbers.filter((i) => test(column[i], flags[i])).length,
    ]);
    const wanted = outcomes.find(([key]) => key === state.o);
    const kept = wanted ? numbers.filter((i) => wanted[2](column[i], flags[i])) : numbers;
    const spreads = scores.spread(index, choice.measure, shown);
    return { kept: scores.ordered(kept, state.r, column, spreads), column, tally };
  }

  // Heights of the little bars: of the scale where there is one, else of the highest score.
  function scale(measure) {
    if (measure.kind === "rating") return 10;
    if (measure.kind === "games") return 100;
    return Math.max(1, ...measure.scores.flat().filter((value) => value !== null));
  }

  function strip(index, choice, shown, i, top) {
    const bars = shown.map((c) => {
      const value = index.measures[choice.measure].scores[c][i];
      const bar = el(`span.tick.m-${index.contestants[c].method}`);
      bar.style.setProperty("--height", value === null ? 0 : Math.max(0.04, value / top));
      return bar;
    });
    return el("span.strip", { "aria-hidden": "true" }, ...bars);
  }

  function render(index, choice, shown, { kept, column }, current) {
    const measure = index.measures[choice.measure];
    const digits = scores.DIGITS[measure.kind];
    const top = scale(measure);
    const rows = kept.map((i) => {
      const text = scores.show(column[i], digits);
      const sign = choice.versus && column[i] > 0 ? "+" : "";
      const link = el(
        "a.row",
        { href: ASFT.state.link({ b: index.benchmark, q: index.ids[i] }) },
        el("span.title", {}, index.titles[i] || "(empty question)"),
        el("span.value", {}, sign + text),
        el("span.about", {}, [String(i + 1), index.categories[i]].filter(Boolean).join(" · ")),
        strip(index, choice, shown, i, top)
      );
      link.dataset.number = i;
      return el("li", {}, link);
    });
    at("list").replaceChildren(...rows);
    at("count").textContent =
      `${kept.length} of ${index.ids.length} questions · ` +
      `${measure.label}, ${nameOfAll(choice.method, index)}` +
      (choice.versus ? ` − ${nameOfAll(choice.versus, index)}` : "");
    mark(current);
  }

  // Show which question is open.
  function mark(current) {
    for (const link of at("list").querySelectorAll("a[aria-current]")) {
      link.removeAttribute("aria-current");
    }
    const open = at("list").querySelector(`a[data-number="${current}"]`);
    if (!open) return;
    open.setAttribute("aria-current", "true");
    const list = at("list");
    const [top, bottom] = [open.offsetTop, open.offsetTop + open.offsetHeight];
    if (top < list.scrollTop || bottom > list.scrollTop + list.clientHeight) {
      list.scrollTop = top - list.clientHeight / 3; // never the page itself
    }
  }

  ASFT.list = { fillFilters, found, passing, render, mark };
})();

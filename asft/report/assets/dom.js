"use strict";
window.ASFT = window.ASFT || {};
// Elements from data. Texts become text nodes, never markup.
(() => {
  // el("a.strong", { href }, "text", child, …); null children are left out.
  function el(name, attributes = {}, ...children) {
    const [tag, ...classes] = name.split(".");
    const node = document.createElement(tag);
    node.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  // What a contestant is called beside its method: data set, and seed where there are several.
  function about(contestant, index) {
    const seeds = new Set(index.contestants.map((each) => each.seed).filter((s) => s !== null));
    const parts = [contestant.dataset];
    if (seeds.size > 1 && contestant.seed !== null) parts.push(`seed ${contestant.seed}`);
    return parts.filter(Boolean).join(", ");
  }

  function nameOf(contestant, index) {
    const rest = about(contestant, index);
    return rest ? `${contestant.method} · ${rest}` : contestant.method;
  }

  // Of one of scores.whose().
  function nameOfAll({ members }, index) {
    const first = index.contestants[members[0]];
    if (members.length === 1) return nameOf(first, index);
    return `${first.method} · ${first.dataset}, mean of ${members.length} seeds`;
  }

  function swatch(contestant) {
    return el(`span.swatch.m-${contestant.method}`);
  }

  // Fill a <select> with [value, label] pairs and choose one.
  function fill(select, options, value) {
    select.replaceChildren(
      ...options.map(([key, label]) => el("option", { value: key }, label))
    );
    select.value = value;
    if (select.selectedIndex < 0) select.selectedIndex = 0;
  }

  ASFT.dom = { el, about, nameOf, nameOfAll, swatch, fill };
})();

"use strict";
// The samples page: from the state to filters, list and sample, and from keys to the state.
(() => {
  const { state, store, scores, list, sample } = ASFT;
  const at = (id) => document.getElementById(id);
  const wide = matchMedia("(min-width: 60rem), print"); // a narrow sheet shows what the screen did
  let view = null; // what is shown now
  let wordsOpen = false;
  let turn = 0; // of drawing: an answer that comes late must not overwrite a newer one

  function fail(error) {
    at("sample").replaceChildren(ASFT.dom.el("p.failed", {}, error.message));
  }

  async function draw() {
    const mine = ++turn;
    const now = state.get();
    const name = store.names.includes(now.b) ? now.b : store.names[0];
    const index = await store.index(name);
    const choice = scores.chosen(index, now);
    const columns = sample.shown(index, now, choice);
    const progress = (done, all) => {
      if (mine === turn) at("count").textContent = `Searching, ${done} of ${all} files …`;
    };
    const candidates = await list.found(index, now, progress);
    if (mine !== turn) return;
    const passed = list.passing(index, now, choice, columns, candidates);
    list.fillFilters(index, now, choice, passed.tally);
    const asked = index.ids.indexOf(now.q);
    const first = passed.kept.length ? passed.kept[0] : -1;
    const current = asked >= 0 ? asked : wide.matches ? first : -1;
    view = { index, state: now, choice, columns, current, numbers: passed.kept, open: wordsOpen };
    list.render(index, choice, columns, passed, current);
    document.body.classList.toggle("reading", asked >= 0);
    await drawSample(mine);
  }

  async function drawSample(mine) {
    if (view.current < 0) {
      const text = view.numbers.length ? "" : "No question passes these filters.";
      at("sample").replaceChildren(ASFT.dom.el("p.muted", {}, text));
      return;
    }
    const found = await store.sample(view.index, view.current);
    if (mine === turn) at("sample").replaceChildren(...sample.render(view, found, actions));
  }

  // By so many places in the list; from outside the filter to its first.
  function step(by) {
    if (!view || !view.numbers.length) return;
    const place = view.numbers.indexOf(view.current);
    const next = place < 0 ? 0 : Math.min(view.numbers.length - 1, Math.max(0, place + by));
    // The first sample is a place to go back from; the many that a reader leafs through are none.
    state.set({ b: view.index.benchmark, q: view.index.ids[view.numbers[next]] }, !state.get().q);
    scrollTo(0, 0);
  }

  async function copyLink() {
    const url = new URL(state.link({ b: view.index.benchmark, q: view.index.ids[view.current] }), location.href);
    const button = document.querySelector("[data-action=link]");
    try {
      await navigator.clipboard.writeText(url.href);
      button.textContent = "Copied";
    } catch {
      location.hash = url.hash; // no clipboard: the address bar then holds the link
      button.textContent = "See the address bar";
    }
    setTimeout(() => (button.textContent = "Copy link"), 1500);
  }

  const actions = {
    next: () => step(1),
    previous: () => step(-1),
    list: () => state.set({ q: "" }, true),
    words: () => {
      wordsOpen = !wordsOpen;
      for (const details of document.querySelectorAll("details.words")) details.open = wordsOpen;
    },
    link: copyLink,
  };

  const KEYS = {
    j: actions.next,
    ArrowRight: actions.next,
    k: actions.previous,
    ArrowLeft: actions.previous,
    w: actions.words,
    l: () => view && view.current >= 0 && copyLink(),
    "/": () => {
      document.body.classList.remove("reading");
      at("t").focus();
      at("t").select();
    },
    "?": () => at("help").showModal(),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || at("help").open) return;
    const typing = event.target.closest("input, select, textarea");
    if (typing && event.key === "Escape") event.target.blur();
    if (typing || !Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  function listen() {
    // Another benchmark has other questions, methods and scores.
    at("b").addEventListener("change", () => {
      const text = state.get().t;
      state.set({ ...EMPTY, b: at("b").value, t: text }, true);
    });
    for (const id of ["c", "m", "v", "s", "o", "r"]) {
      at(id).addEventListener("change", () => {
        // An outcome belongs to its kind of score; what is sought is no longer what is open.
        const also = { s: { o: "" }, v: { o: "" }, c: { q: "" }, o: { q: "" } }[id];
        state.set({ [id]: at(id).value, ...also });
      });
    }
    let wait = 0;
    at("t").addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(() => state.set({ t: at("t").value.trim(), q: "" }), 150);
    });
    at("filters").addEventListener("submit", (event) => event.preventDefault());
    at("reset").addEventListener("click", () => state.set({ ...EMPTY, b: state.get().b }));
    at("keys").addEventListener("click", KEYS["?"]);
    wide.addEventListener("change", () => draw().catch(fail));
    state.listen(() => draw().catch(fail));
  }

  const EMPTY = Object.fromEntries(Object.keys(state.get()).map((key) => [key, ""]));
  listen();
  draw().catch(fail);
})();

"use strict";
window.ASFT = window.ASFT || {};
// What the page shows. It stands in the address after "#", so that a link brings it back:
//   b benchmark   q question id   m whose score   v less whose (keys of scores.whose)   s scored by
//   o outcome
//   c category ("=" before its name, so that an empty one can be chosen)   t text   r order
//   x contestants shown or hidden against the default, comma between
(() => {
  const KEYS = ["b", "q", "m", "v", "s", "o", "c", "t", "r", "x"];
  const listeners = [];
  let state = read();

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    return Object.fromEntries(KEYS.map((key) => [key, given.get(key) || ""]));
  }

  function hashOf(values) {
    const kept = KEYS.filter((key) => values[key]).map((key) => [key, values[key]]);
    return "#" + new URLSearchParams(kept);
  }

  function tell() {
    for (const listener of listeners) listener(state);
  }

  // `push`: the browser's Back returns to what was shown before.
  function set(changes, push = false) {
    const next = { ...state, ...changes };
    const hash = hashOf(next);
    if (hash === hashOf(state)) return;
    state = next;
    if (push) {
      location.hash = hash;
    } else {
      try {
        history.replaceState(null, "", hash);
      } catch {
        location.replace(hash); // some browsers refuse the former to pages from disk
      }
    }
    tell();
  }

  addEventListener("hashchange", () => {
    if (location.hash.length > 1 && !location.hash.includes("=")) return; // a place on the page
    const next = read();
    if (hashOf(next) === hashOf(state)) return; // our own doing, already told
    state = next;
    tell();
  });

  ASFT.state = {
    get: () => state,
    set,
    link: (changes) => hashOf({ ...state, ...changes }),
    listen: (listener) => listeners.push(listener),
  };
})();

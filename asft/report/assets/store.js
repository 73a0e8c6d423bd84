"use strict";
window.ASFT = window.ASFT || {};
// Data are scripts that set ASFT_DATA[name]: the one way for a page from disk to load a file.
(() => {
  const pending = new Map();

  function load(name, path) {
    if (!pending.has(name)) {
      pending.set(
        name,
        new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = `assets/data/${path}.js`;
          script.onload = () => {
            script.remove();
            const value = (window.ASFT_DATA || {})[name];
            if (value) {
              delete window.ASFT_DATA[name];
              resolve(value);
            } else {
              reject(new Error(`${script.src} holds no data`));
            }
          };
          script.onerror = () => reject(new Error(`${script.src} cannot be read`));
          document.head.append(script);
        })
      );
    }
    return pending.get(name);
  }

  const names = window.ASFT_DATA.report.benchmarks;

  function index(benchmark) {
    return load(String(names.indexOf(benchmark)), `${benchmark}/index`);
  }

  // All samples of one chunk, by question number.
  async function chunk(benchmark, place) {
    const rows = await load(`${names.indexOf(benchmark)}/${place}`, `${benchmark}/${place}`);
    return new Map(rows);
  }

  async function sample(found, number) {
    return (await chunk(found.benchmark, found.chunks[number])).get(number);
  }

  // Lower-case texts of all questions for the search; reads every chunk, once.
  const texts = new Map();

  async function haystack(found, progress) {
    if (!texts.has(found.benchmark)) {
      const all = new Array(found.ids.length);
      const last = Math.max(...found.chunks);
      for (let place = 0; place <= last; place++) {
        progress(place, last + 1);
        for (const [number, each] of await chunk(found.benchmark, place)) {
          all[number] = textOf(found, number, each);
        }
      }
      texts.set(found.benchmark, all);
    }
    return texts.get(found.benchmark);
  }

  function textOf(found, number, each) {
    const parts = [found.ids[number], found.categories[number], ...each.turns];
    parts.push(...each.references, ...each.judge_references, each.baseline || "");
    for (const answer of each.answers) {
      parts.push(...answer.turns, ...answer.verdicts.flatMap((v) => v.words || []));
    }
    return parts.join("\n").toLowerCase();
  }

  ASFT.store = { names, index, sample, haystack };
})();

"use strict";
window.ASFT = window.ASFT || {};
// From scores to outcomes and orders; pure functions of a benchmark's index.
(() => {
  const DIGITS = { metric: 2, rating: 2, games: 0 };

  // Whose score can be shown: every contestant's, and the mean over the seeds of one method.
  function whose(index) {
    const alone = index.contestants.map((each, i) => ({ key: each.key, members: [i] }));
    return [...index.groups, ...alone];
  }

  // Of the state the measure's number and whose scores; unknown names fall back to what is there.
  function chosen(index, state) {
    const all = whose(index);
    const find = (key) => all.find((each) => each.key === key);
    const measure = Math.max(0, index.measures.findIndex((each) => each.name === state.s));
    const last = Math.max(0, index.contestants.findLastIndex((each) => !each.control));
    const method = find(state.m) || all.find((each) => each.members.includes(last));
    const versus = find(state.v);
    return { measure, method, versus: versus === method ? undefined : versus };
  }

  // The score on question i, over several seeds the mean of those that have one.
  function mean(columns, members, i) {
    const known = members.map((c) => columns[c][i]).filter((value) => value !== null);
    return known.length ? known.reduce((a, b) => a + b) / known.length : null;
  }

  // One value a question: the score, or the difference of two; null where there is none.
  function values(index, { measure, method, versus }) {
    const columns = index.measures[measure].scores;
    return index.ids.map((_, i) => {
      const score = mean(columns, method.members, i);
      if (!versus) return score;
      const other = mean(columns, versus.members, i);
      return score === null || other === null ? null : score - other;
    });
  }

  function flags(index, { measure, method, versus }) {
    const all = index.measures[measure].flags;
    const members = [...method.members, ...(versus ? versus.members : [])];
    return index.ids.map((_, i) => (all.length ? members.map((c) => all[c][i]).join("") : ""));
  }

  // What can become of an answer, best first, each with a test of (value, flags).
  function outcomes(index, choice) {
    const { kind } = index.measures[choice.measure];
    const none = ["none", "no verdict", (value, flag) => value === null || flag.includes("n")];
    if (choice.versus) {
      const rows = [
        ["better", "higher", (value) => value !== null && value > 0],
        ["equal", "equal", (value) => value === 0],
        ["worse", "lower", (value) => value !== null && value < 0],
      ];
      return kind === "metric" ? rows : [...rows, none];
    }
    if (kind === "games") {
      return [
        ["win", "win", (value) => value !== null && value > 50],
        ["tie", "tie", (value) => value === 50],
        ["loss", "loss", (value) => value !== null && value < 50],
        ["split", "orders disagree", (value, flag) => flag.includes("d")],
        none,
      ];
    }
    if (kind === "rating") return [...[9, 7, 4, 1].map(band), none];
    return quarters(values(index, choice));
  }

  function band(low, i) {
    const high = [10, 9, 7, 4][i];
    const label = i === 0 ? "9 to 10" : `${low} to below ${high}`;
    const test = (value) => value !== null && value >= low && (i === 0 || value < high);
    return [`r${low}`, label, test];
  }

  function quarters(column) {
    const sorted = column.filter((value) => value !== null).sort((a, b) => a - b);
    const cut = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    const cuts = [-Infinity, cut(0.25), cut(0.5), cut(0.75), Infinity];
    const names = ["lowest quarter", "second quarter", "third quarter", "highest quarter"];
    return names
      .map((name, i) => {
        const [low, high] = [cuts[i], cuts[i + 1]];
        const text = i === 0 ? `below ${show(high)}` : `from ${show(low)}`;
        const test = (value) => value !== null && value >= low && value < high;
        return [`q${i + 1}`, `${name}, ${text}`, test];
      })
      .reverse();
  }

  function show(value, digits = 2) {
    if (value === null || value === undefined) return "–";
    return (Number(value.toFixed(digits)) || 0).toFixed(digits); // || 0: never "-0.00"
  }

  function spread(index, measure, shown) {
    return index.ids.map((_, i) => {
      const found = shown.map((c) => index.measures[measure].scores[c][i]);
      const known = found.filter((value) => value !== null);
      return known.length > 1 ? Math.max(...known) - Math.min(...known) : null;
    });
  }

  // Question numbers in the chosen order; those without a value come last.
  function ordered(numbers, order, column, spreads) {
    if (!order) return numbers;
    const key = order === "spread" ? spreads : column;
    const sign = order === "low" ? 1 : -1;
    const rank = (i) => (key[i] === null ? Infinity : sign * key[i]);
    return [...numbers].sort((a, b) => (rank(a) === rank(b) ? a - b : rank(a) - rank(b)));
  }

  ASFT.scores = { DIGITS, whose, chosen, values, flags, outcomes, spread, ordered, show };
})();

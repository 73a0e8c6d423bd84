"use strict";
window.ASFT = window.ASFT || {};
// What judges said of one answer: ratings, games in both orders, words or probabilities.
(() => {
  const { el } = ASFT.dom;
  const STATUS = {
    no_verdict: "no verdict in the judge's words",
    conflicting: "several verdicts that conflict",
    out_of_range: "a rating out of range",
    truncated: "the judge was cut off",
    api_error: "no answer from the judge",
  };
  // Of the policy: in game 1 the baseline is A (or m), in game 2 it is B (or M).
  const POINTS = { "A>>B": 2, "A>B": 1, "A=B": 0, "B>A": -1, "B>>A": -2 };
  const RESULT = { 2: "wins clearly", 1: "wins", 0: "ties", "-1": "loses", "-2": "loses clearly" };
  const TONE = { 2: "win", 1: "win", 0: "tie", "-1": "loss", "-2": "loss" };

  function pointsOf(verdict) {
    const side = verdict.game === 1 ? -1 : 1;
    // Without a label the rating is the preference for the one shown second.
    return side * (verdict.label ? POINTS[verdict.label] : Math.sign(0.5 - verdict.rating)) || 0;
  }

  function thinking(text) {
    if (!text) return null;
    return el("details.words", {}, el("summary", {}, "Thinking"), el("div.text", {}, text));
  }

  function words(verdict, open) {
    if (!(verdict.words || []).length) return null;
    const texts = verdict.words.flatMap((text, i) => [
      thinking((verdict.thinking || [])[i]),
      el("div.text", {}, text || "(nothing)"),
    ]);
    const model = verdict.model ? ` of ${verdict.model}` : "";
    const details = el("details.words", {}, el("summary", {}, `Words${model}`), ...texts);
    details.open = open;
    return details;
  }

  function probabilities(verdict) {
    const rows = verdict.probabilities || [];
    if (!rows.length) return null;
    const most = Math.max(...rows.map(([, share]) => share));
    return el(
      "div.shares",
      { role: "img", "aria-label": rows.map(([k, p]) => `${k}: ${p.toFixed(2)}`).join(", ") },
      ...rows.map(([label, share]) => {
        const bar = el("span.share", { title: `${label}: ${share.toFixed(3)}` });
        bar.style.setProperty("--height", share / most);
        return el("span.column", {}, bar, el("span.label", {}, label));
      })
    );
  }

  function failed(verdict) {
    if (verdict.status === "ok") return verdict.detail ? el("p.failed", {}, verdict.detail) : null;
    const text = STATUS[verdict.status] || verdict.status;
    return el("p.failed", {}, text + (verdict.detail ? `: ${verdict.detail}` : ""));
  }

  function repeat(verdict, several) {
    return several ? ` (repeat ${(verdict.repeat || 0) + 1})` : "";
  }

  function rating(verdict, judge, several, open) {
    const ok = verdict.status === "ok";
    const value = ok ? String(+verdict.rating.toFixed(2)) : "–";
    const line = el(
      "p.verdict",
      {},
      el("b.score", {}, value),
      ` of 10 by ${judge}${repeat(verdict, several)}`
    );
    return el("div.judged", {}, line, failed(verdict), probabilities(verdict), words(verdict, open));
  }

  function game(verdict, judge, several, open) {
    const names = verdict.label || !("rating" in verdict) ? ["A", "B"] : ["m", "M"];
    const order =
      verdict.game === 1 ? `shown second (${names[1]})` : `shown first (${names[0]})`;
    const points = pointsOf(verdict);
    const ok = verdict.status === "ok";
    const result = ok
      ? el("b.result." + TONE[points], {}, RESULT[points])
      : el("b.result", {}, "no verdict");
    const line = el(
      "p.verdict",
      {},
      el("span.game", {}, `Game ${verdict.game}, ${order} `),
      result,
      ok ? el("code", {}, verdict.label || `P(M) ${verdict.rating.toFixed(2)}`) : null,
      ` by ${judge}${repeat(verdict, several)}`
    );
    return el("div.judged", {}, line, failed(verdict), probabilities(verdict), words(verdict, open));
  }

  // All verdicts on one turn of an answer.
  function render(verdicts, turn, judges, open) {
    const several = verdicts.some((verdict) => verdict.repeat);
    return verdicts
      .filter((verdict) => verdict.turn === turn)
      .map((verdict) => (verdict.game ? game : rating)(verdict, judges[verdict.judge], several, open));
  }

  ASFT.verdicts = { render };
})();

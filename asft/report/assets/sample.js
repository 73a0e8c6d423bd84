"use strict";
window.ASFT = window.ASFT || {};
// One question with everybody's answers side by side.
(() => {
  const { el, about, nameOf, swatch } = ASFT.dom;
  const { scores } = ASFT;

  // Which contestants have a column: by default all but controls and further seeds, then what the
  // reader switched (state.x); whoever a score is shown of is always there.
  function shown(index, state, choice) {
    const switched = new Set(state.x.split(",").filter(Boolean));
    const first = index.contestants.find((each) => each.seed !== null);
    return index.contestants
      .map((each, i) => {
        const usual = !each.control && (each.seed === null || each.seed === first.seed);
        const forced = [choice.method, choice.versus].some((each) => each?.members.includes(i));
        return forced || usual !== switched.has(each.key) ? i : -1;
      })
      .filter((i) => i >= 0);
  }

  function chips(index, state, columns) {
    const switched = state.x.split(",").filter(Boolean);
    const buttons = index.contestants.map((each, i) => {
      const on = columns.includes(i);
      const button = el(
        "button.chip",
        { type: "button", "aria-pressed": String(on) },
        swatch(each),
        nameOf(each, index)
      );
      button.addEventListener("click", () => {
        const rest = switched.filter((key) => key !== each.key);
        const x = rest.length < switched.length ? rest : [...rest, each.key];
        ASFT.state.set({ x: x.join(",") });
      });
      return button;
    });
    return el("div.chips", { role: "group", "aria-label": "Answers shown" }, ...buttons);
  }

  // Fenced code keeps its lines in a box of its own; everything else is plain text.
  function pieces(content) {
    const found = [];
    let code = false;
    for (const line of content.split("\n")) {
      const fence = /^\s*```[^`]*$/.test(line);
      if (!found.length || (fence && !code)) found.push({ code: fence, lines: [] });
      found.at(-1).lines.push(line);
      if (fence && code) found.push({ code: false, lines: [] });
      if (fence) code = !code;
    }
    return found
      .filter((each) => each.lines.length)
      .map((each) => (each.code ? el("pre.code", {}, each.lines.join("\n")) : each.lines.join("\n")));
  }

  function text(content, kind = "text") {
    return content
      ? el(`div.${kind}`, { dir: "auto" }, ...pieces(content))
      : el(`div.${kind}.nothing`, {}, "(empty)");
  }

  function given(title, content) {
    return el("section.answer.given", {}, el("header", {}, el("b", {}, title)), text(content));
  }

  function badge(index, choice, c, i) {
    const measure = index.measures[choice.measure];
    const value = measure.scores[c][i];
    if (value === null) return el("span.badge", {}, "no score");
    const unit = measure.kind === "games" ? " %" : "";
    const label = scores.show(value, scores.DIGITS[measure.kind]) + unit;
    return el("span.badge", { title: measure.label }, label);
  }

  // Why an answer ended, where it did not end by itself: a server's own word if nobody knows it.
  const ENDS = { stop: "", length: "cut by the limit", content_filter: "cut by moderation" };

  function ended(reason) {
    const known = Object.hasOwn(ENDS, reason) ? ENDS[reason] : `ended by ${reason}`;
    return reason ? known : null;
  }

  // What stood before an answer in its own words, folded: scores do not look at it.
  function thinking(found, turn) {
    const content = (found.thinking || [])[turn];
    if (!content) return null;
    const tokens = (found.thinking_tokens || [])[turn];
    const summary = `Thinking${tokens == null ? "" : ` (${tokens} tokens)`}`;
    return el("details.words", {}, el("summary", {}, summary), text(content));
  }

  function answer(index, choice, c, i, sample, turn, open) {
    const contestant = index.contestants[c];
    const found = sample.answers[c];
    const tokens = found.tokens[turn];
    const facts = [
      tokens == null ? null : `${tokens} tokens`,
      ended(found.ends[turn]),
    ].filter(Boolean);
    return el(
      `section.answer.m-${contestant.method}`,
      { "data-contestant": contestant.key },
      el(
        "header",
        {},
        el("b", {}, contestant.method),
        el("span.about", {}, about(contestant, index)),
        turn === 0 ? badge(index, choice, c, i) : null
      ),
      thinking(found, turn),
      text(found.turns[turn] || ""),
      facts.length ? el("p.tokens", {}, facts.join(", ")) : null,
      ...ASFT.verdicts.render(found.verdicts, turn + 1, index.judges, open)
    );
  }

  function turns(index, choice, columns, i, sample, open) {
    return sample.turns.map((prompt, turn) => {
      const reference = turn < sample.references.length ? sample.references[turn] : null;
      const judges = sample.judge_references[turn];
      const beside = [
        reference === null || judges !== undefined ? null : given("Reference answer", reference),
        judges === undefined ? null : given("The judge's reference", judges),
        sample.baseline === null || turn ? null : given("Baseline's answer", sample.baseline),
      ];
      return el(
        "section.turn",
        {},
        el("h3", {}, sample.turns.length > 1 ? `Question, turn ${turn + 1}` : "Question"),
        text(prompt, "prompt"),
        el(
          "div.answers",
          {},
          ...beside,
          ...columns.map((c) => answer(index, choice, c, i, sample, turn, open))
        )
      );
    });
  }

  function button(label, name, action) {
    const node = el("button.quiet", { type: "button", "data-action": name }, label);
    node.addEventListener("click", action);
    return node;
  }

  function render(view, sample, actions) {
    const { index, state, choice, columns, current, numbers, open } = view;
    const place = numbers.indexOf(current);
    const where = place < 0 ? "outside the filter" : `${place + 1} of ${numbers.length}`;
    const spoken = sample.answers.some((each) => each.verdicts.some((v) => v.words));
    const head = el(
      "header.head",
      {},
      button("All questions", "list", actions.list),
      el(
        "p.where",
        {},
        el("b", {}, `${index.benchmark} ${current + 1}`),
        ` ${[index.categories[current], where].filter(Boolean).join(" · ")}`,
        el("span.hash", {}, index.ids[current])
      ),
      spoken ? button("Judges' words", "words", actions.words) : null,
      button("Copy link", "link", actions.link),
      button("Previous", "previous", actions.previous),
      button("Next", "next", actions.next)
    );
    return [head, chips(index, state, columns), ...turns(index, choice, columns, current, sample, open)];
  }

  ASFT.sample = { shown, render };
})();

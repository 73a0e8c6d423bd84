"use strict";
// Light or dark: what the system says, until the reader chooses. Loaded in the head, so that the
// page is never drawn in the other one first.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      return localStorage.getItem("asft-theme");
    } catch {
      return null; // a browser may refuse storage to pages from disk
    }
  }

  function keep(theme) {
    try {
      localStorage.setItem("asft-theme", theme);
    } catch {
      // the choice then lasts as long as the page
    }
  }

  function current() {
    return root.dataset.theme || (system.matches ? "dark" : "light");
  }

  const chosen = stored();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const label = () => {
      button.textContent = current() === "dark" ? "Light" : "Dark";
    };
    button.addEventListener("click", () => {
      root.dataset.theme = current() === "dark" ? "light" : "dark";
      keep(root.dataset.theme);
      label();
    });
    system.addEventListener("change", label);
    label();
  });
})();

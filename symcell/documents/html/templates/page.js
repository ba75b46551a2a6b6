// A quantity under the pointer, or with the focus, is lit wherever it stands: in formulas, in the code and in the diagram.
"use strict";
{
  const quantity = /^[qa]\d+$/;
  const nameOf = (e) => [...e.classList].find((c) => quantity.test(c));
  const found = (target) => {
    for (let e = target; e instanceof Element; e = e.parentElement) {
      const name = nameOf(e);
      if (name) return name;
    }
    return "";
  };
  const defined = (target) => {  // the quantity of an equation that has the focus, or whose link to the code, or back, is followed
    const link = target.closest(".to-equation");
    const line = link ? document.querySelector(link.hash) : target.closest(".line");
    const symbol = line && [...line.querySelectorAll(".left [class]")].find(nameOf);
    return symbol ? nameOf(symbol) : "";
  };
  let lit = "", held = false;
  const show = (name) => {
    if (name === lit) return;
    document.querySelectorAll(".lit").forEach((e) => e.classList.remove("lit"));
    if (name) document.querySelectorAll("." + name).forEach((e) => e.classList.add("lit"));
    lit = name;
  };
  document.addEventListener("pointerover", (event) => { if (!held) show(found(event.target)); });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches(".formula, .to-code, .to-equation")) show(defined(event.target));
  });
  document.addEventListener("click", (event) => {  // a click holds the light, until the next one
    const isLink = event.target.closest(".to-code, .to-equation"), name = isLink ? defined(event.target) : found(event.target);
    held = Boolean(name) && (Boolean(isLink) || !(held && name === lit));
    show(name);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { held = false; show(""); } });
}

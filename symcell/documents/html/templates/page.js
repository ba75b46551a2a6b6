// A quantity under the pointer, or with the focus, is lit wherever it stands: in formulas, in the code and in the diagram.
"use strict";
{
  const quantity = /^[qa]\d+$/;
  const found = (target) => {
    for (let e = target; e instanceof Element; e = e.parentElement) {
      const name = [...e.classList].find((c) => quantity.test(c));
      if (name) return name;
    }
    return "";
  };
  let lit = "", held = false;
  const show = (name) => {
    if (name === lit) return;
    document.querySelectorAll(".lit").forEach((e) => e.classList.remove("lit"));
    if (name) document.querySelectorAll("." + name).forEach((e) => e.classList.add("lit"));
    lit = name;
  };
  document.addEventListener("pointerover", (event) => { if (!held) show(found(event.target)); });
  document.addEventListener("click", (event) => {  // a click holds the light, for those who have no pointer
    const name = found(event.target);
    held = Boolean(name) && !(held && name === lit);
    show(name);
  });
}

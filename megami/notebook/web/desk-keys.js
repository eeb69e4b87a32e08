// Keys of the mixing desk, and the names that its sliders lack: letters press the buttons that show them.
{
  const typing = "textarea, select, input:not([type=range]):not([type=checkbox])";

  const label = (root) => {
    // Else JupyterLab takes the letters, and d twice deletes the cell; it asks the element itself that has the focus.
    for (const one of [root, ...root.querySelectorAll("button, select, input, .noUi-handle, .widget-readout")]) {
      one.dataset.lmSuppressShortcuts = "true";
    }
    for (const slider of root.querySelectorAll(".widget-slider")) {
      const words = slider.querySelector("label")?.textContent ?? "";
      const track = slider.closest(".widget-vbox")?.querySelector(":scope > .widget-label")?.textContent;
      const name = track ? `${track}: ${words}` : words;
      slider.querySelector(".noUi-handle")?.setAttribute("aria-label", name);
      const readout = slider.querySelector(".widget-readout");
      readout?.setAttribute("aria-label", `${name}, as a number`);
      readout?.setAttribute("role", "textbox");
    }
    for (const choice of root.querySelectorAll(".widget-dropdown")) {
      const track = choice.closest(".widget-vbox")?.querySelector(":scope > .widget-label")?.textContent;
      const words = choice.querySelector("label")?.textContent ?? "";
      choice.querySelector("select")?.setAttribute("aria-label", track ? `${track}: ${words}` : words);
    }
    root.querySelector(".megami-desk-status")?.setAttribute("role", "status");
  };

  const begin = (root) => {
    if (root.megamiDesk) return;
    root.megamiDesk = true;
    label(root);
    // A click beside the controls leaves the focus on the desk: in JupyterLab letters would else be commands about cells.
    root.tabIndex = -1;
    root.style.outline = "none";
    root.addEventListener("click", () => {
      if (!root.contains(document.activeElement)) root.focus({ preventScroll: true });
    });
    let due = 0;
    new MutationObserver(() => {
      cancelAnimationFrame(due);
      due = requestAnimationFrame(() => label(root));
    }).observe(root, { childList: true, subtree: true });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const at = event.composedPath()[0];
      const here = root.contains(event.target) || (at === document.body && root.getClientRects().length);
      if (!here || at.isContentEditable || at.matches?.(typing)) return;
      const pressed = root.querySelector(`.megami-desk-key-${CSS.escape(event.key.toLowerCase())}`);
      if (!pressed || event.key.length > 1) return;
      event.preventDefault();
      pressed.click();
    });
  };

  const look = (tries) => {
    const found = document.querySelectorAll(".megami-desk");
    found.forEach(begin);
    if (!found.length && tries) setTimeout(() => look(tries - 1), 100);
  };
  look(100);
}

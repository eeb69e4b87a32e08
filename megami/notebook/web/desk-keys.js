// Keys of the mixing desk, and the names that its sliders lack: letters press the buttons that show them.
{
  const typing = "textarea, select, input:not([type=range]):not([type=checkbox])";

  const label = (root) => {
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
    // Before JupyterLab sees them: to it, letters are commands about cells, and d twice deletes this one.
    const listen = (event) => {
      if (!root.isConnected) return window.removeEventListener("keydown", listen, true);
      if (event.ctrlKey || event.metaKey || event.altKey || event.key.length > 1 || event.key === " ") return;
      const path = event.composedPath();
      const at = path[0];
      const here = path.includes(root) || (at === document.body && root.getClientRects().length);
      if (!here || at.isContentEditable || at.matches?.(typing)) return;
      if (path.some((one) => one.matches?.(".megami-widget"))) return; // the player has keys of its own
      event.preventDefault();
      event.stopImmediatePropagation();
      root.querySelector(`.megami-desk-key-${CSS.escape(event.key.toLowerCase())}`)?.click();
    };
    window.addEventListener("keydown", listen, true);
  };

  const look = (tries) => {
    const found = document.querySelectorAll(".megami-desk");
    found.forEach(begin);
    if (!found.length && tries) setTimeout(() => look(tries - 1), 100);
  };
  look(100);
}
